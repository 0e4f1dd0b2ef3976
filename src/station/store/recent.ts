/**
 * The alerts used of late, in memory, so that a repeat needs no look-up. In two
 * generations: what is used moves to the younger one, and when that is full the
 * older one goes. That keeps almost what a list by last use would, at the cost of
 * one Map; every repeat replaces its alert here, so it has to be cheap.
 */
import type { Alert } from '../core/alert.ts';

export type CacheLimits = { readonly alerts: number; readonly bytes: number };
export const cacheLimits: CacheLimits = { alerts: 250_000, bytes: 256 * 1024 * 1024 };

/** What an alert takes beside its texts, about. */
const bytesOfAlert = 600;

/** Texts count two bytes a character: those beyond Latin take as much. */
const bytesOf = (alert: Alert): number =>
  bytesOfAlert +
  2 * (2 * (alert.source.length + alert.id.length) + alert.subject.length + alert.summary.length) +
  2 * (alert.detail.length + (alert.inhibits.length === 0 ? 0 : lengthOf(alert.inhibits))) +
  (alert.muted === null ? 0 : 2 * (alert.muted.by.length + alert.muted.why.length));

const lengthOf = (texts: readonly string[]): number => {
  let length = 0;
  for (const text of texts) length += text.length;
  return length;
};

export class RecentAlerts {
  readonly #limits: CacheLimits;
  #young = new Map<string, Alert>();
  #old = new Map<string, Alert>();
  #bytes = 0;

  constructor(limits: CacheLimits) {
    this.#limits = limits;
  }

  /** How many are here now. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(name: string): Alert | undefined {
    const alert = this.#young.get(name);
    if (alert !== undefined) return alert;
    const old = this.#old.get(name);
    if (old !== undefined) this.set(name, old);
    return old;
  }

  set(name: string, alert: Alert): void {
    const before = this.#young.get(name);
    this.#bytes += bytesOf(alert) - (before === undefined ? 0 : bytesOf(before));
    this.#young.set(name, alert);
    // An older copy must not come back when the young one has gone.
    if (before === undefined && this.#old.size > 0) this.#old.delete(name);
    if (this.#young.size * 2 > this.#limits.alerts || this.#bytes * 2 > this.#limits.bytes) this.#age();
  }

  delete(name: string): void {
    const young = this.#young.get(name);
    if (young !== undefined) this.#bytes -= bytesOf(young);
    this.#young.delete(name);
    this.#old.delete(name);
  }

  clear(): void {
    this.#age();
    this.#old = new Map();
  }

  #age(): void {
    this.#old = this.#young;
    this.#young = new Map();
    this.#bytes = 0;
  }
}
