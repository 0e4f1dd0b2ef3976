/** The alerts of the naive model, what is said of them, and what people do. */
import type { Texts } from './match.ts';
import type { Level } from './policies.ts';

export type Kind = 'raised' | 're-raised' | 'acknowledged' | 'cleared' | 'reminder';

/** Somebody is owed a message from that moment on, or is not, for a reason that history has to give. */
export type Expected = {
  readonly what: 'told' | 'not-told';
  readonly at: number;
  readonly alert: NaiveAlert;
  readonly person: string;
  readonly kind: Kind;
  readonly level: Level;
  readonly channels: readonly string[];
  readonly why: string;
};

export type Reminder = {
  readonly rule: string;
  readonly meaning: string;
  due: number | null;
  setAt: number;
  said: 'nothing' | 'added' | 'something';
};

export type Muted = {
  readonly kind: 'suppressed' | 'silenced' | 'inhibited' | 'settling';
  readonly until: number | null;
  /** Where it is inhibited: the rule and what they agree in. */
  readonly by?: string;
};

export type NaiveAlert = Texts & {
  readonly source: string;
  readonly id: string;
  subject: string;
  summary: string;
  detail: string;
  importance: number;
  phase: 'raised' | 'acknowledged' | 'cleared';
  /** Of the phase. */
  since: number;
  raisedSince: number;
  acknowledgedBy: string;
  acknowledgedUntil: number;
  note: string;
  willRaiseAt: number | null;
  willClearAt: number | null;
  suppressUntil: number | null;
  episode: number;
  announced: { phase: NaiveAlert['phase']; episode: number };
  told: Set<string>;
  /** Who is told of a raise whatever the rules say: of the station's own alerts. */
  concerns: readonly string[];
  reminders: Reminder[];
  muted: Muted | null;
  heldSince: number | null;
  heardAt: number;
  changedAt: number;
  /** Something else happened by which it is to be judged again. */
  lookAt: number | null;
  wake: number;
};

/** One alert of an update, in milliseconds of the sender's clock; 0 where it says nothing. */
export type Said = {
  readonly id: string;
  readonly subject: string;
  readonly summary: string;
  readonly detail: string;
  readonly importance: number;
  readonly raise: number;
  readonly clear: number;
  readonly suppress: number;
};

export type SaidUpdate = {
  readonly source: string;
  readonly transmissionId: bigint;
  /** In milliseconds; 0 where the sender does not say. */
  readonly transmissionTime: number;
  readonly replace: boolean;
  readonly alerts: readonly Said[];
};

export type PersonsAct =
  | { readonly kind: 'acknowledge'; readonly for: number | null; readonly note: string }
  | { readonly kind: 'unacknowledge' }
  | { readonly kind: 'suppress'; readonly for: number }
  | { readonly kind: 'clear' }
  | { readonly kind: 'note'; readonly text: string };
