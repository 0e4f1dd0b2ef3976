/** Messages owed, for tests of what they say: at 03:10 in London, an alert that was raised at 03:01. */
import type { AlertKey, Level, NotificationKind, PersonId } from '../../src/station/core/alert.ts';
import type { RenderContext, Standing, ToRender, ToSay } from '../../src/station/core/message.ts';
import type { NotificationFacts } from '../../src/station/core/notification.ts';
import { type Instant, instant } from '../../src/time.ts';

export const at = (time: string): Instant => instant(Date.parse(`2026-08-01T${time}:00Z`));
const raised = at('02:01');

export type Given = {
  readonly n?: number;
  readonly kind?: NotificationKind;
  readonly level?: Level;
  readonly code?: number | null;
  readonly facts?: Partial<NotificationFacts>;
  readonly detailHtml?: string;
  readonly channel?: string;
};

export function owed(given: Given = {}): ToRender {
  const {
    n = 17,
    kind = 'raised',
    level = 'urgent',
    code = 12,
    facts,
    detailHtml = '',
    channel = 'sms',
  } = given;
  return {
    key: `${n}/1/${kind}/johnny`,
    alert: n as AlertKey,
    episode: 1,
    kind,
    rule: null,
    person: 'johnny' as PersonId,
    channel,
    next: null,
    code,
    level,
    dueAt: raised,
    overdueAfter: null,
    facts: {
      source: 'db1',
      subject: 'db1',
      summary: 'disk is 97% full',
      alertId: 'disk',
      raisedAt: raised,
      at: raised,
      by: null,
      acknowledgedUntil: null,
      note: '',
      ...facts,
    },
    detailHtml,
  };
}

export const one = (given: Given = {}): ToSay => ({ kind: 'one', message: owed(given) });

/** As many alerts as given, of hosts `host1`, `host2`, …, their codes the same numbers. */
export const several = (count: number, given: (n: number) => Given = () => ({})): readonly ToRender[] =>
  Array.from({ length: count }, (_, index) => {
    const n = index + 1;
    const { facts, ...more } = given(n);
    return owed({ n, code: n, level: 'normal', ...more, facts: { subject: `host${n}`, ...facts } });
  });

export const standing = (count: number, urgent: number): readonly Standing[] =>
  several(count, (n) => ({ level: n <= urgent ? 'urgent' : 'normal' })).map((message) => ({
    alert: message.alert,
    code: message.code,
    source: message.facts.source,
    alertId: message.facts.alertId,
    subject: message.facts.subject,
    summary: message.facts.summary,
    level: message.level,
    raisedAt: raised,
  }));

export const base = 'https://m.example';
export const ackLink = (alert: number): string => `${base}/a/TOKEN${alert}`;

export function contextOf(channel: string, more: Partial<RenderContext> = {}): RenderContext {
  return {
    person: { id: 'johnny' as PersonId, name: 'Johnny', timezone: 'Europe/London' },
    channel,
    fits: null,
    baseUrl: base,
    ackLink,
    now: raised,
    limit: null,
    ...more,
  };
}
