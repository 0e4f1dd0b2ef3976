/**
 * Messages as they might be, for whoever tries their words without an alert:
 * the check of a policy's templates, and `mauvectl message preview`.
 */
import { hours, type Instant, minus, minutes, plus } from '../../time.ts';
import type { AlertKey, Level, NotificationKind, PersonId } from '../core/alert.ts';
import type { Standing, ToRender, ToSay } from '../core/message.ts';
import type { TemplateEvent } from './names.ts';

/** What the message is about; for several, the first of them. */
export type About = {
  readonly source: string;
  readonly subject: string;
  readonly alertId: string;
  readonly summary: string;
  /** Sanitised. */
  readonly detailHtml: string;
  readonly level: Level;
  readonly code: number | null;
  readonly by: string | null;
  readonly note: string;
  readonly raisedAt: Instant | null;
};
export type To = { readonly person: PersonId; readonly channel: string; readonly now: Instant };

/** How long ago the alert of a sample was raised, where the event comes later. */
const before = minutes(95);
const acknowledgedFor = hours(2);

/** Long enough ago for the event to make sense. */
export const raisedFor = (event: TemplateEvent, now: Instant): Instant =>
  event === 'raised' || event === 're-raised' || event === 'digest' ? now : minus(now, before);

/** @param total how many alerts a digest or a summary is about; the others are made up. */
export function sampleOf(event: TemplateEvent, about: About, to: To, total: number): ToSay {
  if (event === 'digest') {
    const others = othersThan(about, total).map((other, index) =>
      messageOf(index % 3 === 1 && total > 2 ? 'cleared' : 'raised', other, to, index + 2),
    );
    return { kind: 'digest', messages: [messageOf('raised', about, to, 1), ...others] };
  }
  if (event !== 'summary') return { kind: 'one', message: messageOf(event, about, to, 1) };
  const standing = [about, ...othersThan(about, Math.min(total, listedMost))].map((one, index) =>
    standingOf(one, to, index + 1),
  );
  return { kind: 'summary', messages: [messageOf('reminder', about, to, 1)], standing, total };
}

/** A summary of more than these says how many it leaves out. */
const listedMost = 12;

function othersThan(about: About, total: number): readonly About[] {
  return Array.from({ length: Math.max(0, total - 1) }, (_, index): About => {
    const [subject, alertId, summary] = others[index % others.length] ?? others[0];
    const host = index < others.length ? subject : `${subject}-${Math.floor(index / others.length) + 1}`;
    const code = about.code === null ? null : about.code + index + 1;
    return { ...about, source: host, subject: host, alertId, summary, level: 'normal', code, detailHtml: '' };
  });
}

const others = [
  ['web3', 'certificate', 'the certificate ends in 2 days'],
  ['core-rtr-1', 'bgp', 'BGP to AS64500 is down'],
  ['mail', 'queue', '1,204 messages are waiting'],
  ['backup', 'nightly', 'no backup for 26 hours'],
  ['ups-2', 'battery', 'the battery is at 41%'],
] as const;

function messageOf(kind: NotificationKind, about: About, { person, channel, now }: To, n: number): ToRender {
  const { source, subject, summary, alertId, raisedAt, by, note, level, code, detailHtml } = about;
  const acted = kind === 'acknowledged' || kind === 'cleared' || kind === 'test' || kind === 're-raised';
  return {
    key: `${n}/1/${kind}/${person}`,
    alert: n as AlertKey,
    episode: 1,
    kind,
    rule: null,
    person,
    channel,
    next: null,
    level,
    dueAt: now,
    overdueAfter: null,
    facts: {
      source,
      subject,
      summary,
      alertId,
      raisedAt,
      at: now,
      by: acted ? by : null,
      acknowledgedUntil: kind === 'acknowledged' ? plus(now, acknowledgedFor) : null,
      note: kind === 'acknowledged' ? note : '',
    },
    detailHtml,
    code,
  };
}

function standingOf(about: About, { now }: To, n: number): Standing {
  const { source, subject, summary, alertId, raisedAt, level, code } = about;
  return { alert: n as AlertKey, code, source, alertId, subject, summary, level, raisedAt: raisedAt ?? now };
}
