/**
 * The fault matrix: each channel, each way in which its provider can fail, and
 * the station killed before, during and after a send. Whatever the cell, no
 * message may be lost, a crash may cost one copy more, and the history must
 * tell how it came about.
 */
import assert from 'node:assert/strict';
import { type Receipt, receiptsIn, Story } from './cell.ts';
import type { Cell, Promised } from './outcomes.ts';
import type { Fault } from './peer.ts';

/** @returns how many copies came. */
export async function runCell(cell: Cell, promised: Promised): Promise<number> {
  const story = await Story.begin(cell);
  try {
    await goesWell(story);
    await acts[cell.moment](story);
    await settled(story);
    await judge(story, promised);
    return story.copies(story.peer, 'main').length;
  } finally {
    await story.end();
  }
}

/** A first message, so that connections and libraries are there, and others have something to be gathered behind. */
async function goesWell(story: Story): Promise<void> {
  if (story.peer.resumes) await story.noticed('connected to XMPP');
  await story.raise('first');
  await story.until(
    () => story.message('first'),
    (message) => isSent(message?.status),
  );
}

// ---------------------------------------------------------------- the three moments

const acts: Readonly<Record<Cell['moment'], (story: Story) => Promise<void>>> = {
  /** The message is gathered behind another one when the station dies; the fault meets the one that starts. */
  async before(story) {
    await fail(story);
    const { attempts } = story.peer;
    await story.raise('main');
    await story.until(
      () => story.message('main'),
      (message) => message !== null,
    );
    story.kill();
    await story.killed();
    assert.equal(
      story.statusAtDeath,
      'pending',
      'the machine was too slow: it was sent before the station was killed',
    );
    assert.equal(story.peer.attempts, attempts);
    await story.startAgain();
    await story.until(
      () => story.receipts(),
      (receipts) => receipts.length > 0,
    );
    await mend(story);
  },

  /** The peer has the connection, or the whole message, and has said nothing to it. */
  async during(story) {
    const { peer, cell } = story;
    peer.asked = story.kill;
    if (cell.fault === 'refused' && !peer.resumes) peer.line.refuseAfter(story.kill);
    else await fail(story);
    const waits = cell.fault === 'refused' && peer.resumes;
    if (waits) await story.noticed('no connection to XMPP');
    await story.raise('main');
    if (waits) await killInWait(story);
    await story.killed();
    await mend(story);
    await story.startAgain();
  },

  /** The peer has answered, and the station had no time to write it down; or the failure is on record. */
  async after(story) {
    const { peer, cell } = story;
    await fail(story);
    const answered = answers.includes(cell.fault);
    const resumed = cell.fault === 'accepted, then lost' && peer.resumes;
    if (answered) peer.asked = () => peer.line.afterNextAnswer(story.kill);
    if (resumed) peer.broke = story.kill;
    await story.raise('main');
    if (!answered && !resumed) {
      await story.until(
        () => story.receipts(),
        (receipts) => receipts.length > 0,
      );
      story.kill();
    }
    await story.killed();
    await mend(story);
    await story.startAgain();
  },
};

/** The message waits for a connection, which is refused again and again. */
async function killInWait(story: Story): Promise<void> {
  await story.until(
    () => story.message('main'),
    (message) => message?.status === 'leased',
  );
  story.kill();
}

/** In these the provider says something. */
const answers: readonly Fault[] = ['slow', 'permanent', 'rate-limited'];
/** These do not pass. */
const lasting: readonly Fault[] = ['slow', 'permanent'];

async function fail({ peer, cell }: Story): Promise<void> {
  if (cell.fault === 'refused') await peer.line.refuse();
  else peer.set(cell.fault);
}

async function mend({ peer, cell }: Story): Promise<void> {
  peer.asked = () => undefined;
  peer.broke = () => undefined;
  if (lasting.includes(cell.fault)) return;
  peer.set(null);
  await peer.line.mend();
}

const isSent = (status: string | undefined): boolean => status === 'delivered' || status === 'accepted';

/** Waits until there is nothing left to do. */
async function settled(story: Story): Promise<void> {
  const ends = story.cell.fault === 'permanent' ? (status?: string) => status === 'failed' : isSent;
  await story.until(async () => (await story.message('main'))?.status, ends);
  if (story.cell.fault === 'permanent') {
    const told = (): readonly unknown[] =>
      story.hasNext ? story.copies(story.other, 'main') : tellingOfAnn(story);
    await story.until(told, (messages) => messages.length > 0);
  } else {
    const copies = (): number => story.copies(story.peer, 'main').length;
    await story.until(copies, (count) => count > 0);
  }
  await story.until(
    () => story.pending(),
    (pending) => pending === 0,
  );
}

/** What Bob heard of Ann's not being reached. */
const tellingOfAnn = ({ bob }: Story): readonly unknown[] =>
  bob.received.filter(({ text }) => text.includes('unreachable/ann') && text.includes('cannot be reached'));

// ---------------------------------------------------------------- what must be so

async function judge(story: Story, { copies: most, by }: Promised): Promise<void> {
  const { cell, peer, onRecord } = story;
  const copies = story.copies(peer, 'main');
  const fails = cell.fault === 'permanent';
  assert.equal(story.kills, 1);
  assert.ok(copies.length >= (fails ? 0 : 1), 'it is lost');
  assert.ok(copies.length <= most, `${copies.length} copies`);
  assert.ok(copies.length <= 1 + story.kills, 'more than one copy more for each crash');
  const ids = new Set(copies.map(({ id }) => id));
  assert.ok(ids.size <= 1, `copies that cannot be told for copies: ${[...ids].join(', ')}`);
  if (cell.channel !== 'sms') for (const id of ids) assert.ok(id, 'a copy without an id');

  const history = await story.history('main');
  assert.deepEqual(history.slice(0, onRecord.length), onRecord, 'what was on record is not there any more');
  assert.equal(history.filter(({ change }) => change.kind === 'told').length, 1, 'owed once');
  const receipts = receiptsIn(history, cell);
  judgeReceipts(receipts, cell);
  const waited = receipts.some((receipt) => receipt.outcome === 'will-retry' && !isCutShort(receipt));
  // Whoever gets two copies can read why.
  const cutShort = receipts.filter(isCutShort).length;
  assert.equal(cutShort, story.statusAtDeath === 'leased' ? 1 : 0, words(receipts));
  if (by === 'at once') assert.ok(!waited, words(receipts));
  if (by === 'at the next try') assert.ok(waited, words(receipts));
  if (fails) judgeFailure(story, receipts, by);
}

function judgeFailure(story: Story, receipts: readonly Receipt[], by: Promised['by']): void {
  const ends = receipts.filter(({ outcome }) => outcome === 'failed' || outcome === 'moved-on');
  assert.equal(ends.length, 1, words(receipts));
  const { attempts } = story.peer;
  assert.ok(attempts - firstOne <= 1 + story.kills, `tried ${attempts} times`);
  assert.equal(by, story.hasNext ? 'the next channel has it' : 'bob is told');
  assert.equal(tellingOfAnn(story).length > 0, !story.hasNext);
}

/** The message that goes well. */
const firstOne = 1;

/** What was said of each fault must be found in the history, in words. */
const reasons: Readonly<Record<Fault, RegExp>> = {
  refused: /refuses connections|broke the connection off|closed the connection/,
  timeout: /in time|took too long|did not answer within|did not acknowledge|no connection to/,
  slow: /never/,
  'accepted, then lost': /connection/,
  permanent: /no such mailbox|not a valid|21211|410|no such account/,
  'rate-limited': /slow down|429|asks to wait|not so fast|no room/,
};

function judgeReceipts(receipts: readonly Receipt[], { fault }: Cell): void {
  for (const { outcome, why } of receipts.filter((receipt) => !isCutShort(receipt))) {
    assert.notEqual(why, '');
    if (outcome === 'will-retry' || outcome === 'failed' || outcome === 'moved-on')
      assert.match(why, reasons[fault]);
  }
  const last = receipts.at(-1)?.outcome;
  const good = fault === 'permanent' ? ['failed', 'moved-on'] : ['delivered', 'accepted', 'sent'];
  assert.ok(last !== undefined && good.includes(last), words(receipts));
}

const isCutShort = ({ why }: Receipt): boolean => why.includes('the station ended while it was under way');

const words = (receipts: readonly Receipt[]): string =>
  receipts.map(({ outcome, why }) => `${outcome}: ${why}`).join('; ') || 'no receipt';
