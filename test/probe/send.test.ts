/** What stations are told, and when. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { VerdictChange, VerdictName } from '../../src/probe/core/judge.ts';
import {
  AlertSender,
  heartbeatEvery,
  type SenderOptions,
  settleFor,
  waitingMax,
} from '../../src/probe/send.ts';
import { leadsNowhere } from '../../src/probe/unresolved.ts';
import { alertId, detailsMax, packMax, raiseAfter, type Standing } from '../../src/probe/updates.ts';
import type { Delivery } from '../../src/send/sender.ts';
import { minutes, plus, seconds } from '../../src/time.ts';
import { type AlertUpdate, datagramMax, decode } from '../../src/wire/update.ts';
import { SimulatedClock } from '../kit/clock.ts';
import { address, memoryLog, noon, targetOf } from './kit.ts';

const at = BigInt(noon / 1000);

function standingOf(n: number, more: Partial<VerdictChange> = {}, verdict: VerdictName = 'loss'): Standing {
  const one = address(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`);
  const change = {
    verdict,
    state: 'raised',
    at: noon,
    hop: null,
    summary: `loss to ${one}`,
    detailHtml: '',
  } as const;
  return { target: targetOf('www.example.net'), address: one, change: { ...change, ...more } };
}

/** A sender whose datagrams are kept, and whose probe has this raised. */
function sender(more: Partial<SenderOptions> = {}) {
  const clock = new SimulatedClock(noon);
  const { log, logged } = memoryLog();
  const raised: Standing[] = [];
  const sent: { to: string; update: AlertUpdate; size: number }[] = [];
  let last = 0n;
  const alerts = new AlertSender({
    source: 'probe-a',
    destinations: ['station.example.net'],
    fullEvery: minutes(5),
    firstFull: minutes(5),
    heartbeat: false,
    send: async (datagram, destinations): Promise<Delivery[]> => {
      const decoded = decode(datagram);
      assert.ok(decoded.ok && datagram.length <= datagramMax);
      const [to = ''] = destinations;
      sent.push({ to, update: decoded.update, size: datagram.length });
      return [{ destination: to, sent: ['192.0.2.1:32741'], failed: [] }];
    },
    newId: () => ++last,
    nameOf: () => null,
    raised: () => raised,
    clock,
    log,
    ...more,
  });
  const updates = (): readonly AlertUpdate[] => sent.map(({ update }) => update);
  return { alerts, clock, sent, raised, updates, logged };
}

test('a verdict is raised and cleared within a second, under an id that tells targets apart', async () => {
  const { alerts, clock, updates } = sender();
  alerts.change(standingOf(1));
  alerts.change(standingOf(2));
  await clock.advanceTo(plus(noon, seconds(1)));
  assert.equal(updates().length, 1, 'changes that come together go together');
  const [first] = updates();
  assert.equal(first?.source, 'probe-a');
  assert.equal(first?.replace, false);
  assert.deepEqual(
    first?.alerts.map(({ id, subject, summary, raiseTime, clearTime }) => ({
      id,
      subject,
      summary,
      raiseTime,
      clearTime,
    })),
    [1, 2].map((n) => ({
      id: `loss 10.0.0.${n}`,
      subject: 'www.example.net',
      summary: `loss to 10.0.0.${n}`,
      raiseTime: at,
      clearTime: 0n,
    })),
  );
  alerts.change(standingOf(1, { state: 'cleared', at: plus(noon, seconds(1)) }));
  await clock.advanceTo(plus(noon, seconds(3)));
  const [cleared] = updates()[1]?.alerts ?? [];
  assert.equal(cleared?.id, 'loss 10.0.0.1');
  assert.equal(cleared?.clearTime, at + 1n);
  assert.equal(cleared?.raiseTime, 0n);
});

test('a name that leads nowhere is an alert of its own, under the name', async () => {
  const { alerts, clock, updates, raised } = sender();
  const target = targetOf('DB.example.org', { labels: { site: 'berlin' } });
  const change = leadsNowhere('there is no such host', noon, []);
  alerts.hear({ kind: 'name', target, change });
  raised.push({ target, address: null, change });
  await clock.advanceTo(plus(noon, seconds(1)));
  const [told] = updates()[0]?.alerts ?? [];
  assert.deepEqual(
    [told?.id, told?.subject, told?.raiseTime],
    ['unresolved db.example.org', 'DB.example.org', at],
  );
  assert.equal(told?.summary, 'no address found (there is no such host), since 12:00 UTC');
  assert.equal(told?.detail, '<p>site: berlin</p>');
  alerts.full();
  await clock.advanceTo(plus(noon, seconds(2)));
  assert.deepEqual(updates()[1]?.alerts, [told], 'and in the full update');
});

test('of several changes of one alert within a second the last one counts', async () => {
  const { alerts, clock, updates } = sender();
  alerts.change(standingOf(1));
  alerts.change(standingOf(1, { state: 'cleared' }));
  await clock.advanceTo(plus(noon, seconds(2)));
  assert.deepEqual(
    updates().map((update) => update.alerts.map((alert) => alert.raiseTime)),
    [[0n]],
  );
});

test('every few minutes all that is raised is said, in one update that clears the rest', async () => {
  const { alerts, clock, updates, raised } = sender();
  alerts.start();
  raised.push(standingOf(1), standingOf(2));
  await clock.advanceTo(plus(noon, minutes(4)));
  assert.deepEqual(updates(), [], 'a probe that has only begun to look clears nothing');
  await clock.advanceTo(plus(noon, minutes(11)));
  assert.equal(updates().length, 2);
  for (const update of updates()) {
    assert.equal(update.replace, true);
    assert.deepEqual(
      update.alerts.map(({ id }) => id),
      ['loss 10.0.0.1', 'loss 10.0.0.2'],
    );
  }
  raised.length = 0;
  await clock.advanceTo(plus(noon, minutes(16)));
  assert.deepEqual(updates().at(-1)?.alerts, []);
  assert.equal(updates().at(-1)?.replace, true);
});

test('after the clock was set back nothing is raised or cleared in the future: a station would take it for a plan', async () => {
  const { alerts, clock, raised, updates } = sender();
  const later = { at: plus(noon, minutes(60)) };
  raised.push(standingOf(1, later));
  alerts.change(standingOf(2, { ...later, state: 'cleared' }));
  await clock.advanceTo(plus(noon, minutes(5)));
  const [cleared, full] = updates().map((update) => ({ ...update.alerts[0], sent: update.transmissionTime }));
  assert.equal(cleared?.clearTime, cleared?.sent);
  assert.equal(full?.raiseTime, full?.sent);
});

test('a probe waits for three of its longest rounds before it says that nothing else is raised', () => {
  assert.equal(settleFor(minutes(5), seconds(60)), minutes(5));
  assert.equal(settleFor(minutes(5), minutes(10)), minutes(30));
});

test('too much for one datagram: texts go ahead, and bare ids replace', async () => {
  const { alerts, clock, sent, raised, updates } = sender();
  alerts.start();
  const detailHtml = `<table>${'<tr><td>hop</td></tr>'.repeat(100)}</table>`;
  for (let n = 0; n < 200; n++) raised.push(standingOf(n, { detailHtml }));
  await clock.advanceTo(plus(noon, minutes(6)));
  const whole = updates().filter(({ replace }) => replace);
  assert.equal(whole.length, 1);
  assert.equal(whole[0], updates().at(-1), 'it comes last');
  assert.equal(whole[0]?.alerts.length, 200);
  assert.ok(
    whole[0]?.alerts.every(
      ({ summary, detail, raiseTime }) => summary === '' && detail === '' && raiseTime === at,
    ),
  );
  const texts = updates().filter(({ replace }) => !replace);
  assert.equal(texts.flatMap((update) => update.alerts).length, 200);
  assert.ok(texts.every((update) => update.alerts.every(({ detail }) => detail.startsWith('<table>'))));
  for (const { update, size } of sent) assert.ok(update.replace || size <= packMax + 200, `${size}`);
});

test('far too much: no update replaces, and what was cleared lately is cleared again', async () => {
  const { alerts, clock, raised, updates } = sender();
  alerts.start();
  const gone = standingOf(60_000, { state: 'cleared' });
  alerts.change(gone);
  await clock.advanceTo(plus(noon, seconds(2)));
  const before = updates().length;
  for (let n = 0; n < 5_000; n++) raised.push(standingOf(n, { detailHtml: 'x'.repeat(500) }));
  await clock.advanceTo(plus(noon, minutes(6)));
  const after = updates().slice(before);
  assert.ok(after.every(({ replace }) => !replace));
  const all = after.flatMap((update) => update.alerts);
  assert.equal(all.length, 5_001);
  assert.equal(all.at(-1)?.id, alertId(gone));
  assert.equal(all.at(-1)?.clearTime, at);
  assert.ok(
    5_000 * 500 > detailsMax && all.every(({ detail }) => detail === ''),
    'details would drown the network',
  );
});

test('one alert whose detail alone is more than a datagram is sent without it', async () => {
  const { alerts, clock, updates } = sender();
  alerts.change(standingOf(1, { detailHtml: 'x'.repeat(80_000) }));
  await clock.advanceTo(plus(noon, seconds(2)));
  assert.equal(updates()[0]?.alerts[0]?.detail, '');
  assert.equal(updates()[0]?.alerts[0]?.summary, 'loss to 10.0.0.1');
});

test('labels stand in the detail, as text', async () => {
  const { alerts, clock, updates } = sender();
  const labelled = { ...standingOf(1), target: targetOf('a', { labels: { site: '<b>Köln & Bonn</b>' } }) };
  alerts.change(labelled);
  await clock.advanceTo(plus(noon, seconds(2)));
  assert.equal(updates()[0]?.alerts[0]?.detail, '<p>site: &lt;b&gt;Köln &amp; Bonn&lt;/b&gt;</p>');
});

test('the heartbeat clears now and raises later, so that a dead probe raises itself', async () => {
  const { alerts, clock, updates } = sender({ heartbeat: true, source: 'probe <a>' });
  alerts.start();
  await clock.advanceTo(plus(noon, heartbeatEvery));
  const beats = updates().flatMap((update) => update.alerts.filter(({ id }) => id === 'heartbeat'));
  assert.equal(beats.length, 2);
  assert.equal(beats[0]?.clearTime, at);
  assert.equal(beats[0]?.raiseTime, at + BigInt(raiseAfter / 1000));
  assert.equal(beats[0]?.summary, 'probe probe <a> has not been heard from');
  assert.match(beats[0]?.detail ?? '', /^The probe probe &lt;a&gt; says/);
});

test('a destination that cannot be reached is named once, and holds up no other', async () => {
  const went: string[] = [];
  let down = true;
  const { alerts, clock, logged } = sender({
    destinations: ['slow.example.net', 'down.example.net', 'good.example.net'],
    send: async (_, [to = '']) => {
      if (to === 'slow.example.net') return await new Promise(() => undefined);
      const failed = [{ where: to, why: 'unknown-host', detail: 'no such host' }] as const;
      if (to === 'down.example.net' && down) return [{ destination: to, sent: [], failed }];
      went.push(to);
      return [{ destination: to, sent: ['192.0.2.1:32741'], failed: [] }];
    },
  });
  for (let n = 0; n < waitingMax + 10; n++) {
    alerts.change(standingOf(n));
    await clock.advanceTo(plus(noon, seconds(2 * (n + 1))));
  }
  assert.equal(went.length, waitingMax + 10);
  assert.equal(logged.filter(({ text }) => text.includes('down.example.net')).length, 1);
  down = false;
  alerts.change(standingOf(1));
  await clock.advanceTo(plus(clock.now(), seconds(2)));
  assert.equal(logged.filter(({ text }) => text.includes('reach this destination again')).length, 1);
});

test('destinations may change while it runs', async () => {
  const { alerts, clock, sent } = sender();
  alerts.destinations(['other.example.net', 'third.example.net']);
  alerts.change(standingOf(1));
  await clock.advanceTo(plus(noon, seconds(2)));
  assert.deepEqual(
    sent.filter(({ update }) => !update.replace).map(({ to }) => to),
    ['other.example.net', 'third.example.net'],
  );
});

test('a destination that is dropped is left with nothing raised, now or later; the others hear again what stands', async () => {
  const { alerts, clock, sent, raised } = sender({
    heartbeat: true,
    destinations: ['old.example.net', 'kept.example.net'],
  });
  alerts.start();
  raised.push(standingOf(1));
  alerts.change(standingOf(1));
  await clock.advanceTo(plus(noon, seconds(2)));
  sent.length = 0;
  alerts.destinations(['kept.example.net', 'new.example.net']);
  await clock.advanceTo(plus(noon, seconds(3)));
  const told = (to: string) => sent.filter((one) => one.to === to).map(({ update }) => update);
  const [farewell, ...more] = told('old.example.net');
  assert.equal(more.length, 0);
  assert.equal(farewell?.replace, true, 'all else is cleared');
  assert.deepEqual(
    farewell?.alerts.map(({ id, raiseTime, clearTime }) => ({ id, raiseTime, clearTime })),
    [{ id: 'heartbeat', raiseTime: 0n, clearTime: at + 2n }],
  );
  for (const to of ['kept.example.net', 'new.example.net']) {
    assert.deepEqual(
      told(to).map(({ replace, alerts: all }) => ({ replace, ids: all.map(({ id }) => id) })),
      [
        { replace: false, ids: ['loss 10.0.0.1'] },
        { replace: false, ids: ['heartbeat'] },
      ],
      'they may be the same station by another name',
    );
  }
  assert.equal(sent[0]?.to, 'old.example.net', 'first of all');
  await clock.advanceTo(plus(noon, minutes(6)));
  assert.equal(told('old.example.net').length, 1, 'and nothing more is ever sent there');
  sent.length = 0;
  alerts.destinations(['kept.example.net', 'new.example.net']);
  await clock.advanceTo(plus(noon, seconds(361)));
  assert.deepEqual(sent, [], 'what is as it was is not told again');
});

test('a dropped destination that does not answer keeps nothing from the others for long', async () => {
  const went: string[] = [];
  const { alerts, clock, raised } = sender({
    destinations: ['old.example.net'],
    send: async (_, [to = '']) => {
      if (to === 'old.example.net') return await new Promise(() => undefined);
      went.push(to);
      return [{ destination: to, sent: ['192.0.2.1:32741'], failed: [] }];
    },
  });
  raised.push(standingOf(1));
  alerts.destinations(['new.example.net']);
  await clock.advanceTo(plus(noon, seconds(12)));
  assert.deepEqual(went, ['new.example.net']);
});

test('what has changed is sent before the probe ends', async () => {
  const { alerts, updates } = sender();
  alerts.change(standingOf(1));
  await alerts.stop(seconds(5));
  assert.equal(updates().length, 1);
});

test('the hops in the detail have their names: those known by then, the others with the next full update', async () => {
  const names = new Map<string, string>();
  const asked: string[] = [];
  const { alerts, clock, raised, updates } = sender({
    nameOf: (one) => {
      asked.push(one);
      return names.get(one) ?? null;
    },
  });
  const table =
    '<p>x 192.0.2.1</p><table><tbody><tr><td>1</td><td>192.0.2.1</td><td>0.4 ms</td><td>0 %</td><td>192.0.2.1, 2001:db8::1 and 2 more</td></tr></tbody></table>';
  const standing = standingOf(1, { detailHtml: table });
  raised.push(standing);
  alerts.change(standing);
  assert.deepEqual(new Set(asked), new Set(['192.0.2.1', '2001:db8::1']));
  names.set('192.0.2.1', 'gw.example.net');
  await clock.advanceTo(plus(noon, seconds(2)));
  const detailOf = (n: number): string => updates().at(n)?.alerts[0]?.detail ?? '';
  assert.ok(
    detailOf(-1).includes('<td>gw.example.net (192.0.2.1), 2001:db8::1 and 2 more</td>'),
    detailOf(-1),
  );
  assert.ok(detailOf(-1).includes('<td>1</td>') && detailOf(-1).includes('<td>0.4 ms</td>'));
  names.set('2001:db8::1', 'v6.example.net');
  alerts.full();
  await clock.advanceTo(plus(noon, seconds(4)));
  assert.ok(detailOf(-1).includes('v6.example.net (2001:db8::1) and 2 more'));
});
