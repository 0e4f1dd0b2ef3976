/** mauvectl channel test: against a stand-in that answers as the station does, and against a station. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { describe, test } from 'node:test';
import { channelCommand, lookEvery } from '../../src/control/channel.ts';
import { Refusal } from '../../src/control/ending.ts';
import { parseOptions } from '../../src/control/options.ts';
import { instant, plus, seconds } from '../../src/time.ts';
import { run, withStation } from '../kit/process.ts';

type Step = { readonly status: string; readonly why?: string };
type Told = { readonly said: string; readonly refused: Refusal | null; readonly asked: readonly string[] };

/** Plays a station on which a message goes through these steps, one a look; the last stays. */
async function played(steps: readonly Step[], wait = 60, json = false): Promise<Told> {
  const asked: string[] = [];
  const left = [...steps];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    asked.push(`${request.method} ${request.url} ${request.headers.authorization} ${body}`);
    const step = left.length > 1 ? left.shift() : left[0];
    const message = { id: 7, person: 'ann', channel: 'sms', why: '', ...step };
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(request.method === 'POST' ? { id: 7 } : message));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  let now = instant(0);
  let said = '';
  let refused: Refusal | null = null;
  // The first answer is that to the POST.
  left.unshift({ status: 'pending' });
  try {
    const done = await channelCommand(
      { kind: 'channel test', person: 'ann', channel: 'sms', wait: seconds(wait), json, tokenFile: null },
      {
        page: `http://127.0.0.1:${port}`,
        token: 'secret',
        accounts: () => assert.fail('there is a token'),
        newToken: () => assert.fail('there is a token'),
        now: () => now,
        pause: async (length) => {
          now = plus(now, length);
        },
        say: async (text) => {
          said += text;
        },
      },
    );
    assert.deepEqual(done, { text: '' });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    refused = error;
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  return { said, refused, asked };
}

describe('what is told of a test', () => {
  test('each status once, as it changes, until it is delivered', async () => {
    const { said, refused, asked } = await played([
      { status: 'pending' },
      { status: 'leased' },
      { status: 'leased' },
      { status: 'accepted', why: 'queued as SM1' },
      { status: 'accepted', why: 'queued as SM1' },
      { status: 'accepted', why: 'sent' },
      { status: 'delivered', why: 'delivered by the carrier' },
    ]);
    assert.equal(refused, null);
    assert.deepEqual(said.trimEnd().split('\n'), [
      'sms to ann: waits to be sent',
      'sms to ann: being sent',
      'sms to ann: accepted by the provider, no receipt yet: queued as SM1',
      'sms to ann: accepted by the provider, no receipt yet: sent',
      'sms to ann: delivered: delivered by the carrier',
    ]);
    assert.equal(asked[0], 'POST /api/v1/messages/test Bearer secret {"person":"ann","channel":"sms"}');
    assert.match(asked[1] ?? '', /^GET \/api\/v1\/messages\/7 Bearer secret/);
  });

  test('failed, or not sent at all: the reason, and 1', async () => {
    const failed = await played([{ status: 'leased' }, { status: 'failed', why: 'no such number (21211)' }]);
    assert.deepEqual(
      [failed.refused?.code, failed.refused?.message],
      [1, 'the test by sms to ann failed: no such number (21211)'],
    );
    const obsolete = await played([{ status: 'obsolete', why: 'ann is no longer in the policy' }]);
    assert.match(obsolete.refused?.message ?? '', /was not sent: ann is no longer/);
  });

  test('nothing came in time: how far it was, and 75', async () => {
    const taken = await played([{ status: 'accepted', why: 'queued' }], 3);
    assert.deepEqual(
      [taken.refused?.code, taken.refused?.message],
      [
        75,
        'the provider took the test by sms to ann, but did not say within 3s that it was delivered; last: queued',
      ],
    );
    assert.equal(taken.asked.length, 2 + seconds(3) / lookEvery);
    const waits = await played([{ status: 'pending', why: 'connection refused' }], 1);
    assert.match(waits.refused?.message ?? '', /was not delivered within 1s; last: connection refused/);
  });

  test('for programs: one object a line', async () => {
    const { said } = await played([{ status: 'leased' }, { status: 'delivered', why: 'ok' }], 60, true);
    assert.deepEqual(
      said
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).status),
      ['leased', 'delivered'],
    );
  });

  test('a status that a later station adds is named as it is', async () => {
    const { said } = await played([{ status: 'pondered' }, { status: 'delivered' }]);
    assert.match(said, /^sms to ann: pondered\n/);
  });
});

test('the words of the command', () => {
  const asked = parseOptions(['channel', 'test', 'ann', 'sms', '--wait', '2m', '--json'], '1');
  assert.deepEqual(asked.kind === 'run' ? asked.command : null, {
    ...{
      kind: 'channel test',
      person: 'ann',
      channel: 'sms',
      wait: seconds(120),
      json: true,
      tokenFile: null,
    },
  });
  const usual = parseOptions(['channel', 'test', 'ann', 'sms'], '1');
  assert.ok(
    usual.kind === 'run' && usual.command.kind === 'channel test' && usual.command.wait === seconds(60),
  );
  for (const [words, fault] of [
    [['channel', 'test'], /needs a person and a channel/],
    [['channel', 'test', 'ann'], /needs a person and a channel/],
    [['channel', 'test', 'ann', 'sms', 'now'], /but got "now" as well/],
    [['channel', 'test', 'ann', 's/ms'], /"s\/ms" is no name/],
    [['channel', 'test', 'ann', 'sms', '--wait', 'long'], /--wait: a length of time/],
    [['channel', 'test', 'ann', 'sms', '--wait', '2d'], /--wait: a length of time/],
    [['channel', 'tset', 'ann', 'sms'], /unknown command "channel tset"/],
    [['silence', 'list', '--wait', '1m'], /--wait does not go with silence list/],
  ] as const) {
    const wrong = parseOptions(words, '1');
    assert.ok(wrong.kind === 'usage', words.join(' '));
    assert.match(wrong.fault, fault);
  }
});

test('a station refuses a test for somebody it does not know, in a line, and no token is left behind', () =>
  withStation({}, async (station) => {
    const place = ['--data', station.data, '--web', new URL(station.page).host];
    const ran = run('mauvectl', ['channel', 'test', 'nobody', 'sms', ...place], { env: { MAUVE_TOKEN: '' } });
    assert.deepEqual([ran.code, ran.stdout], [1, '']);
    assert.match(ran.stderr, /^mauvectl: the station refused: [^\n]+\n$/);
    assert.doesNotMatch(run('mauvectl', ['token', 'list', '--data', station.data]).stdout, /mauvectl/);
    const nowhere = run('mauvectl', ['channel', 'test', 'ann', 'sms', '--web', '127.0.0.1:1'], {
      env: { MAUVE_TOKEN: 'x' },
    });
    assert.equal(nowhere.code, 69);
  }));

test('a station sends the test, and it is followed until it has arrived', () =>
  withStation({}, async (station) => {
    const place = ['--data', station.data, '--web', new URL(station.page).host];
    const ran = run('mauvectl', ['channel', 'test', 'admin', 'inbox', ...place], {
      env: { MAUVE_TOKEN: '' },
    });
    assert.deepEqual([ran.code, ran.stderr], [0, '']);
    assert.match(ran.stdout, /^(inbox to admin: [^\n]+\n)*inbox to admin: delivered[^\n]*\n$/);
    assert.doesNotMatch(run('mauvectl', ['token', 'list', '--data', station.data]).stdout, /mauvectl/);
  }));
