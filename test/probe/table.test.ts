/** What a person sees: the table, the lines where stdout is no terminal, and the terminal given back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newStatistics, summaryOf } from '../../src/probe/core/statistics.ts';
import { openScreen, screenLog } from '../../src/probe/screen.ts';
import { type Row, tableLines } from '../../src/probe/table.ts';
import { seconds } from '../../src/time.ts';
import { noon, pathOf, pinged, rig } from './kit.ts';

const summary = {
  ...summaryOf(newStatistics(noon), noon),
  sent: 200,
  recv: 190,
  lost: 7,
  errs: 2,
  outd: 1,
  avg: 12.345,
  min: 1.5,
  max: 123.4,
  last: 11,
};
const row = (n: number, more: Partial<Row> = {}): Row => ({
  target: `host${n}.example.net`,
  address: `192.0.2.${n}`,
  summary: () => summary,
  hops: 11,
  end: 'reached',
  verdicts: [],
  ...more,
});
const view = { rows: [row(1)], notes: [], columns: 200, lines: null };

test('the columns that people know, then hops and verdict', () => {
  const [head = '', line = ''] = tableLines(view);
  assert.deepEqual(head.split(/\s+/), [
    'Target',
    'Sent',
    'Recv',
    'Errs',
    'Outd',
    'Loss',
    'Err',
    'Outd',
    'Avg',
    'Min',
    'Max',
    'Last',
    'Hops',
    'Verdict',
  ]);
  assert.deepEqual(line.split(/\s+/), [
    'host1.example.net',
    '(192.0.2.1)',
    '200',
    '190',
    '2',
    '1',
    '3.5%',
    '1.0%',
    '0.5%',
    '12.35',
    '1.50',
    '123.4',
    '11.00',
    '11',
    'ok',
  ]);
});

test('what does not fit is left out from the right, and no line is longer than the terminal', () => {
  for (const columns of [200, 120, 100, 80, 60, 40, 20]) {
    const lines = tableLines({ ...view, columns, notes: ['n'.repeat(500)] });
    for (const line of lines) assert.ok(line.length <= columns, `${columns}: ${line}`);
    assert.match(lines[0] ?? '', /^Target/);
  }
  assert.ok(!(tableLines({ ...view, columns: 80 })[0] ?? '').includes('Verdict'));
  assert.match(tableLines({ ...view, columns: 80 })[0] ?? '', /Target +Sent +Recv +Errs +Outd +Loss/);
});

test('what is wrong comes first, and what is beyond the last line is counted', () => {
  const rows = Array.from({ length: 100 }, (_, n) => row(n));
  rows.push(row(200, { verdicts: ['loss', 'slow'], end: 'silent', hops: 5 }));
  const lines = tableLines({ ...view, rows, lines: 24 });
  assert.ok(lines.length <= 23);
  assert.match(lines[1] ?? '', /192\.0\.2\.200.* 5\* +loss, slow$/);
  assert.match(lines.at(-1) ?? '', /… and \d+ more/);
  for (const small of [1, 2, 3, 5])
    assert.ok(tableLines({ ...view, rows, lines: small }).length <= Math.max(1, small - 1));
});

test('no character of a target or a note commands the terminal', () => {
  const evil = row(1, { target: 'a\u001b[2J\u0007\u202e', address: 'b\n' });
  for (const line of tableLines({ ...view, rows: [evil], notes: ['x\u001b]0;y\u0007\r\n'] })) {
    assert.ok(!/[\p{Cc}\p{Cf}]/u.test(line), JSON.stringify(line));
  }
});

function terminal(isTTY: boolean) {
  let text = '';
  let resized = (): void => undefined;
  const made = {
    isTTY,
    columns: 120,
    rows: 24,
    write: (more: string) => {
      text += more;
    },
    on: (_: 'resize', listener: () => void) => {
      resized = listener;
    },
  };
  const clear = (): void => {
    text = '';
  };
  return { made, text: () => text, clear, resize: () => resized() };
}

test('a live table is drawn each second and when the window changes, and the terminal is given back', async () => {
  const probe = rig();
  const { made, text, clear, resize } = terminal(true);
  const screen = openScreen({ ...probe, terminal: made });
  assert.ok(text().startsWith('\u001b[?1049h\u001b[?25l'));
  probe.start('192.0.2.1');
  await probe.pass(seconds(5));
  assert.match(text(), /192\.0\.2\.1 .* ok/);
  clear();
  made.columns = 40;
  resize();
  assert.ok(text().includes('Target') && !text().includes('Verdict'));
  screen.note('a warning');
  clear();
  resize();
  assert.match(text(), /a warning/);
  clear();
  screen.end();
  assert.ok(text().startsWith('\u001b[?25h\u001b[?1049l'));
  assert.match(text(), /192\.0\.2\.1/);
  const after = text();
  await probe.pass(seconds(5));
  screen.end();
  assert.equal(text(), after, 'nothing is drawn afterwards');
});

test('piped: a line for each trace and verdict, no escape, and the table at the end', async () => {
  const probe = rig();
  const { made, text } = terminal(false);
  const screen = openScreen({ ...probe, terminal: made });
  probe.agent.listen(screen.hear);
  probe.start('192.0.2.1');
  await probe.pass(seconds(3));
  probe.engine.onPing = (task, at) => pinged(task, at, { kind: 'lost' });
  probe.engine.onTrace = (task, at) => pathOf(task, at, ['192.0.2.1', null, null, null]);
  await probe.pass(seconds(40));
  screen.end();
  assert.match(text(), /^2026-06-01T12:00:0\S+Z 192\.0\.2\.1: 3 hops, 6\.00 ms$/m);
  assert.match(text(), /^2026-\S+ 192\.0\.2\.1: unreachable raised: /m);
  assert.match(text(), /^Target +Sent/m);
  assert.ok(!text().includes('\u001b'));
});

test('warnings of the log stand below the table', () => {
  const notes: string[] = [];
  const log = screenLog((line) => notes.push(line));
  log.info('not this');
  log.warn({ target: 'x', reason: 'no such host' }, 'a target cannot be watched');
  log.error('broken');
  assert.deepEqual(notes, ['a target cannot be watched x no such host', 'broken']);
});

test('of thousands of targets only those that are shown are worked out', () => {
  let asked = 0;
  const rows = Array.from({ length: 5000 }, (_, n) =>
    row(n, {
      summary: () => {
        asked += 1;
        return summary;
      },
      verdicts: n === 4000 ? ['loss'] : [],
    }),
  );
  const lines = tableLines({ rows, notes: [], columns: 200, lines: 24 });
  assert.match(lines[1] ?? '', /^host4000\b.* loss$/);
  assert.equal(lines.at(-1), '… and 4979 more');
  assert.equal(asked, 21);
});
