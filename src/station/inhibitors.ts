/**
 * Which alerts inhibit which, for the length of one batch: loaded for just the
 * alerts that the batch touches, and followed while it decides, so that an alert
 * raised in a batch already mutes the next one in it.
 */
import { type Alert, type AlertKey, raisedAt } from './core/alert.ts';
import { type HostNames, holds, type Matched } from './core/match.ts';
import { type Inhibitor, mayMute } from './core/mute.ts';
import { inhibitToken, type Policy } from './core/policy.ts';
import { importanceDefault, type Report } from './core/update.ts';
import type { Transaction } from './store/store.ts';

export class Inhibitors {
  private readonly policy: Policy;
  private readonly names: HostNames;
  private readonly byToken = new Map<string, Map<AlertKey, Inhibitor>>();
  private readonly given = new Set<string>();

  constructor(policy: Policy, names: HostNames) {
    this.policy = policy;
    this.names = names;
  }

  /** Looks up who could inhibit these alerts. Each alert that the batch will judge has to be among them as it will be. */
  async load(tx: Transaction, alerts: Iterable<Matched>): Promise<void> {
    const { inhibits } = this.policy;
    if (inhibits.length === 0) return;
    const wanted = new Set<string>();
    for (const alert of alerts) {
      for (const rule of inhibits) {
        if (mayMute(rule, alert, this.names)) wanted.add(inhibitToken(rule, alert));
      }
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
  mayInhibit(source: string, report: Report, before: Matched | undefined): boolean {
    const alert = reported(source, report, before);
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

/** An alert as matching will see it once this was reported of it. */
export function reported(source: string, report: Report, before: Matched | undefined): Matched {
  return {
    source,
    id: report.id,
    subject: report.subject || before?.subject || source,
    summary: report.summary || before?.summary || '',
    detail: report.detail || before?.detail || '',
    importance: report.importance || before?.importance || importanceDefault,
  };
}
