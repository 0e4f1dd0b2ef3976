/** Messages over the JSON API: a test of a channel, and what became of a message. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Event, Outcome } from '../../src/station/door.ts';
import type { MessageId } from '../../src/station/store/store.ts';
import { openSite, type Site, type SiteOptions, start, token } from './site.ts';

type Answer = { readonly status: number; readonly body: Record<string, unknown> };

async function onSite(
  story: (site: Site, call: (path: string, body?: unknown) => Promise<Answer>) => Promise<void>,
  options: SiteOptions = {},
): Promise<void> {
  const site = await openSite(options);
  const call = async (path: string, body?: unknown): Promise<Answer> => {
    const answer = await fetch(`${site.base}/api/v1${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  };
  try {
    await story(site, call);
  } finally {
    await site.close();
  }
}

const codeOf = ({ body }: Answer): unknown => (body.error as { code?: unknown } | undefined)?.code;

test('a message says whose it is, how far it has come and why', () =>
  onSite(async (site, call) => {
    const key = await site.say({ subject: 'core-1', summary: 'down' });
    const [message] = await site.reads.messagesOf(key, 10);
    assert.ok(message !== undefined);
    const { status, body } = await call(`/messages/${message.id}`);
    assert.equal(status, 200);
    const { status: sent, why, settled_at, title, ...rest } = body;
    assert.deepEqual(rest, {
      ...{ id: message.id, alert: key, person: 'ann', channel: 'inbox', kind: 'raised', level: 'urgent' },
      due_at: new Date(start).toISOString().replace('.000Z', 'Z'),
    });
    assert.ok(['pending', 'leased', 'delivered'].includes(String(sent)), String(sent));
    assert.deepEqual([typeof why, typeof title], ['string', 'string']);
    assert.ok(settled_at === null || typeof settled_at === 'string');
    for (const id of ['999', '0', 'x', '1.5', '-1']) {
      const none = await call(`/messages/${id}`);
      assert.deepEqual([none.status, codeOf(none)], [404, 'no-such-message'], id);
    }
    assert.equal((await call(`/messages/${message.id}?x=1`)).status, 400);
  }));

test('a test is asked for by person and channel, in the name of the token, and answered with its message', () => {
  const asked: Event[] = [];
  const done: Outcome = { ok: true, alert: null, message: 7 as MessageId };
  const handle = async (events: readonly Event[]): Promise<readonly Outcome[]> => {
    asked.push(...events);
    return events.map(() => done);
  };
  return onSite(
    async (_site, call) => {
      assert.deepEqual(await call('/messages/test', { person: 'ann', channel: 'sms' }), {
        status: 201,
        body: { id: 7 },
      });
      assert.deepEqual(asked, [
        { kind: 'test-message', by: 'token:script', person: 'ann', channel: 'sms', at: start },
      ]);
    },
    { instead: { handle } },
  );
});

test('a test that makes no sense is refused, with words', () =>
  onSite(async (_site, call) => {
    const bad = [
      {},
      { person: 'ann' },
      { person: 1, channel: 'sms' },
      { person: '', channel: 'sms' },
      { person: 'ann', channel: 'sms', text: 'x' },
      [],
      { person: 'x'.repeat(65), channel: 'sms' },
    ];
    for (const body of bad) {
      const answer = await call('/messages/test', body);
      assert.deepEqual([answer.status, codeOf(answer)], [400, 'bad-body'], JSON.stringify(body));
    }
    const nobody = await call('/messages/test', { person: 'nobody', channel: 'inbox' });
    assert.deepEqual([nobody.status, codeOf(nobody)], [404, 'no-such-person']);
    assert.equal((await call('/messages/test')).status, 405);
  }));
