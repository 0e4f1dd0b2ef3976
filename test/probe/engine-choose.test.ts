/** Which engine is taken, and what is said where there is none. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  chooseEngine,
  decide,
  type Found,
  findProgram,
  parseEngineChoice,
} from '../../src/probe/engine/choose.ts';
import { findOwner } from '../../src/probe/engine/privilege.ts';
import { systemClock } from '../../src/time.ts';
import { pinged, pingTask, quiet } from './engine-kit.ts';

const all: Found = {
  root: true,
  scamper: '/usr/bin/scamper',
  mtrPacket: '/usr/bin/mtr-packet',
  mtrMay: 'always',
};
const say = (...args: Parameters<typeof decide>): string => {
  const decision = decide(...args);
  assert.ok(decision.engine === null, JSON.stringify(decision));
  assert.doesNotMatch(decision.say, /\n/);
  return decision.say;
};

test('root has scampers of its own; others mtr-packet, if it may send', () => {
  assert.deepEqual(decide('auto', all), { engine: 'scamper', program: '/usr/bin/scamper' });
  assert.deepEqual(decide('auto', { ...all, root: false }), {
    engine: 'mtr-packet',
    program: '/usr/bin/mtr-packet',
    asRoot: false,
  });
  assert.deepEqual(decide('auto', { ...all, scamper: null }), {
    engine: 'mtr-packet',
    program: '/usr/bin/mtr-packet',
    asRoot: false,
  });
});

test('mtr-packet that may send for root alone is used as root', () => {
  const found: Found = { ...all, scamper: null, mtrMay: 'as-root' };
  const decision = { engine: 'mtr-packet', program: '/usr/bin/mtr-packet', asRoot: true };
  assert.deepEqual(decide('auto', found), decision);
  assert.deepEqual(decide('mtr-packet', found), decision);
});

test('another scamper is used only where its socket is named', () => {
  assert.deepEqual(decide({ unix: '/run/x' }, { ...all, root: false }), {
    engine: 'scamper-at',
    path: '/run/x',
  });
});

test('else one line says what to install or grant', () => {
  const nothing: Found = { root: false, scamper: null, mtrPacket: null, mtrMay: 'no' };
  assert.match(say('auto', nothing), /apt install scamper.*apt install mtr-tiny.*--fake/);
  assert.match(say('auto', { ...nothing, root: true }), /apt install scamper/);
  const bare = { ...nothing, mtrPacket: '/usr/bin/mtr-packet' };
  assert.match(say('auto', bare), /setcap cap_net_raw\+ep \/usr\/bin\/mtr-packet/);
  assert.match(say('mtr-packet', bare), /setcap cap_net_raw\+ep/);
  assert.match(say('mtr-packet', nothing), /apt install mtr-tiny/);
  assert.match(say('scamper', { ...all, root: false }), /root.*--engine unix:PATH/);
  assert.match(say('scamper', nothing), /apt install scamper/);
});

test('an engine is written as a word or as a socket', () => {
  assert.equal(parseEngineChoice('auto'), 'auto');
  assert.equal(parseEngineChoice('fake'), 'fake');
  assert.deepEqual(parseEngineChoice('unix:/run/s'), { unix: '/run/s' });
  for (const none of ['', 'unix:', 'SCAMPER', '/run/s', 'mtr']) assert.equal(parseEngineChoice(none), null);
});

test('programs and users are found, or said not to be there', () => {
  assert.match(findProgram('sh') ?? '', /^\/(usr\/)?bin\/sh$/);
  assert.equal(findProgram('no-such-program'), null);
  assert.deepEqual(findOwner('root'), { ok: true, owner: { uid: 0, gid: 0 } });
  for (const nobody of ['no-such-user', '-u', '', 'a b', 'x'.repeat(100)])
    assert.equal(findOwner(nobody).ok, false);
});

test('the fake one is there for whoever asks for it', async () => {
  const chosen = await chooseEngine({ choice: 'fake', clock: systemClock, log: quiet, owner: null });
  assert.ok(chosen.ok);
  assert.equal(chosen.engine.name, 'fake');
  assert.equal(pinged(await chosen.engine.ping(pingTask())).outcome.kind, 'reply');
  await chosen.engine.close();
});
