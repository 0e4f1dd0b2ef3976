/**
 * Which alerts inhibit which, for the length of one batch: loaded for just the
 * alerts that the batch touches, and followed while it decides, so that an alert
 * raised in a batch already mutes the next one in it.
 */
import { type Alert, type AlertKey, raisedAt } from './core/alert.ts';
import { type HostNames, holds } from './core/match.ts';
import type { Inhibitor } from './core/mute.ts';
import { type InhibitField, inhibitToken, type Policy } from './core/policy.ts';
import type { Report } from './core/update.ts';
import type { Transaction } from './store/store.ts';

type Named = Pick<Alert, InhibitField>;

export class Inhibitors {
  private readonly policy: Policy;
  private readonly names: HostNames;
  private readonly byToken = new Map<string, Map<AlertKey, Inhibitor>>();
  private readonly given = new Set<string>();

  constructor(policy: Policy, names: HostNames) {
    this.policy = policy;
    this.names = names;
  }

  /** Looks up who could inhibit these alerts, as they are and as updates will name them. */
  async load(tx: Transaction, alerts: Iterable<Named>, reported: Iterable<Named>): Promise<void> {
    const { inhibits } = this.policy;
    if (inhibits.length === 0) return;
    const wanted = new Set<string>();
    for (const named of [...alerts, ...reported]) {
      for (const rule of inhibits) wanted.add(inhibitToken(rule, named));
    }
    const tokens = [...wanted].filter((token) => !this.byToken.has(token));
    if (tokens.length === 0) return;
    const found = await tx.loadInhibitors(tokens);
    for (const token of tokens) {
      const holders = found.get(token) ?? [];
      this.byToken.set(token, new Map(holders.map((one) => [one.alert, one])));
    }
  }

  other(token: string, than: Pick<Alert, 'key' | 'inhibits'>): Inhibitor | null {
    for (const [key, inhibitor] of this.byToken.get(token) ?? []) {
      const mutual = inhibitor.mutedBy !== null && than.inhibits.includes(inhibitor.mutedBy);
      if (key !== than.key && !mutual) return inhibitor;
    }
    return null;
  }

  /** Whether an alert, once this is reported of it, is of a kind that inhibits others. */
  mayInhibit(source: string, report: Report, before: Alert | undefined): boolean {
    const alert = {
      source,
      id: report.id,
      subject: report.subject || before?.subject || source,
      summary: report.summary || before?.summary || '',
      detail: report.detail || before?.detail || '',
      importance: report.importance || before?.importance || 0,
    };
    return this.policy.inhibits.some((rule) => holds(rule.while, alert, this.names));
  }

  /** Takes over what a decision changed. */
  follow(before: Alert | null, after: Alert): void {
    const had = before?.inhibits ?? [];
    if (had.length === 0 && after.inhibits.length === 0) return;
    for (const token of had === after.inhibits ? [] : had) {
      this.byToken.get(token)?.delete(after.key);
      this.given.add(token);
    }
    if (raisedAt(after) === null) return;
    const { key: alert, source, id, subject, muted } = after;
    const mutedBy = muted?.kind === 'inhibited' ? muted.by : null;
    for (const token of after.inhibits) {
      const holders = this.byToken.get(token) ?? new Map<AlertKey, Inhibitor>();
      this.byToken.set(token, holders.set(alert, { alert, source, id, subject, mutedBy }));
    }
  }

  /** Tokens that an alert of this batch no longer has: those muted by them are to be looked at again. */
  freed(): readonly string[] {
    return [...this.given];
  }
}
