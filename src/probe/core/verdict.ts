/**
 * Verdicts: what is said of a target, and the list of those that stand. What
 * makes one stand or fall is in the file of its evidence (reach, loss, delay,
 * follow, via); here is only how it is kept.
 */
import type { Instant } from '../../time.ts';
import type { Address } from './record.ts';

export const verdictNames = [
  'unreachable',
  'loss',
  'slow',
  'jitter',
  'path-changed',
  'more-hops',
  'loop',
  'via',
] as const;
export type VerdictName = (typeof verdictNames)[number];

/** A verdict that was raised or cleared; raised once more where its evidence is another one, such as another hop. */
export type VerdictChange = {
  readonly verdict: VerdictName;
  readonly state: 'raised' | 'cleared';
  readonly at: Instant;
  /** Where it begins; null where that is not known. */
  readonly hop: Address | null;
  /** At most `summaryMax` characters. */
  readonly summary: string;
  readonly detailHtml: string;
};

/** What is said of a verdict that changes. */
export type Evidence = Pick<VerdictChange, 'hop' | 'summary' | 'detailHtml'>;

export type Standing = readonly VerdictChange[];

export const find = (standing: Standing, verdict: VerdictName): VerdictChange | null =>
  standing.find((one) => one.verdict === verdict) ?? null;

/** Whether it is said that the target is cut off, by whatever. */
export const isDown = (standing: Standing): boolean =>
  standing.some(({ verdict }) => verdict === 'unreachable' || verdict === 'loop');

/** In the order of their names above, whatever the order in which they came. */
export function withRaised(standing: Standing, raised: VerdictChange): Standing {
  const others = standing.filter(({ verdict }) => verdict !== raised.verdict);
  const rank = ({ verdict }: VerdictChange): number => verdictNames.indexOf(verdict);
  return [...others, raised].sort((a, b) => rank(a) - rank(b));
}

export const withoutRaised = (standing: Standing, verdict: VerdictName): Standing =>
  standing.filter((one) => one.verdict !== verdict);
