/**
 * What the policy says of an alert with such texts: its group, and what it
 * inhibits and is inhibited by. Kept until the texts or the policy change, for it
 * is asked at each report.
 */
import { matches } from './match.ts';
import type { NaiveAlert } from './naive.ts';
import type { NaiveGroup, NaivePolicy } from './rules.ts';

type InhibitSpec = NaivePolicy['spec']['inhibit'][number];

type Reading = {
  readonly group: NaiveGroup;
  readonly tokens: readonly string[];
  /** The rules by which it can be inhibited. */
  readonly mutedBy: readonly InhibitSpec[];
};

/** What two alerts must have in common where one inhibits the other. */
const tokenOf = (rule: InhibitSpec, alert: NaiveAlert): string => `${rule.name} ${alert[rule.same]}`;

export class Readings {
  private readonly policyNow: () => NaivePolicy;
  private readonly known = new Map<NaiveAlert, Reading>();

  constructor(policyNow: () => NaivePolicy) {
    this.policyNow = policyNow;
  }

  /** The policy is another one. */
  forget(): void {
    this.known.clear();
  }

  /** Its texts are others. */
  changed(alert: NaiveAlert): void {
    this.known.delete(alert);
  }

  group(alert: NaiveAlert): NaiveGroup {
    return this.of(alert).group;
  }

  /** By what an alert inhibits others. */
  tokens(alert: NaiveAlert): readonly string[] {
    return alert.phase === 'cleared' ? [] : this.of(alert).tokens;
  }

  /** By what one of these inhibits it; null where none does. */
  inhibitedBy(alert: NaiveAlert, all: readonly NaiveAlert[]): string | null {
    const own = this.tokens(alert);
    for (const rule of this.of(alert).mutedBy) {
      const token = tokenOf(rule, alert);
      const inhibits = (other: NaiveAlert): boolean =>
        other !== alert &&
        this.tokens(other).includes(token) &&
        // One that this alert inhibits does not count: they would silence each other.
        !own.includes(other.muted?.by ?? '');
      if (all.some(inhibits)) return token;
    }
    return null;
  }

  private of(alert: NaiveAlert): Reading {
    const known = this.known.get(alert);
    if (known !== undefined) return known;
    const policy = this.policyNow();
    const { inhibit } = policy.spec;
    const reading: Reading = {
      group: policy.groupFor(alert),
      tokens: inhibit.filter((rule) => matches(rule.while, alert)).map((rule) => tokenOf(rule, alert)),
      mutedBy: inhibit.filter((rule) => matches(rule.mutes, alert) && !matches(rule.while, alert)),
    };
    this.known.set(alert, reading);
    return reading;
  }
}
