/** What people type with one thumb at three in the morning, and what the station makes of it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parseReply, type Reply, type ReplyContext, replyCodesMax } from '../../src/station/core/reply.ts';
import { replyNoteMax, replyTextMax } from '../../src/station/core/reply-words.ts';
import { hours, instant, minutes } from '../../src/time.ts';

/** A Saturday, 03:00 in Paris. */
const context: ReplyContext = {
  now: instant(Date.UTC(2026, 10, 21, 2, 0)),
  timezone: 'Europe/Paris',
  hours: ['working', 'daytime', 'dead-zone'],
  room: false,
};
const room = { ...context, room: true };
const parse = (text: string): Reply => parseReply(text, context);

const ack = (codes: readonly number[] | 'all' | 'only', length: object | null = null, note = '') => ({
  kind: 'acknowledge',
  which: typeof codes === 'string' ? { kind: codes } : { kind: 'codes', codes },
  length,
  note,
  loose: null,
});
const lasting = (length: number, named?: string): object =>
  named === undefined ? { for: length } : { for: length, hours: named };

function asks(text: string, why: RegExp, where: ReplyContext = context): void {
  const reply = parseReply(text, where);
  assert.equal(reply.kind, 'ask', `${JSON.stringify(text)}: ${JSON.stringify(reply)}`);
  if (reply.kind === 'ask') assert.match(reply.why, why, text);
}

describe('acknowledging', () => {
  const cases: readonly (readonly [string, object])[] = [
    ['ack', ack('only')],
    ['ack 12', ack([12])],
    ['ack 12 2h on my way', ack([12], lasting(hours(2)), 'on my way')],
    ['ack 12 13 14 30m', ack([12, 13, 14], lasting(minutes(30)))],
    ['ack all', ack('all')],
    ['ack all 1h', ack('all', lasting(hours(1)))],
    ['ack all because the rack is moved', ack('all', null, 'the rack is moved')],
    [
      'ack 12 for 2 working hours because the vendor is called',
      ack([12], lasting(hours(2), 'working'), 'the vendor is called'),
    ],
    ['ack 2h', ack('only', lasting(hours(2)))],
    ['ack because the vendor knows', ack('only', null, 'the vendor knows')],
    ['ack 12 on my way', ack([12], null, 'on my way')],
    ['ack 12: on my way', ack([12], null, 'on my way')],
    ['ack 12 - on my way', ack([12], null, 'on my way')],
    ['ack 12 2h for the vendor', ack([12], lasting(hours(2)), 'for the vendor')],
    ['ack 12 2h a vendor comes', ack([12], lasting(hours(2)), 'a vendor comes')],
    ['ack 12 1h because it takes 3 hours', ack([12], lasting(hours(1)), 'it takes 3 hours')],
  ];
  for (const [text, expected] of cases) {
    test(text, () => assert.deepEqual(parse(text), expected));
  }

  for (const text of ['ack 12-14', 'ack 12..14', 'ack 12.5', 'ack 99999999999999999']) {
    test(`${text} is asked about, and not by what was written`, () => {
      asks(text, /^What is .* Write the code of each alert, like ack 12, 13\.$/);
    });
  }

  for (const text of [
    'ack 12 to 14',
    'ack 12 and all the others',
    'ack 12 and the rest',
    'ack 12 2h through 14',
  ]) {
    test(`${text} may mean more than 12, and is asked about`, () => asks(text, /^Which ones\?/));
  }

  for (const text of ['ack 12 2h ack 13', 'ack 12 ack13', 'ack 12 30m unack 13', 'ack 12 and ack all']) {
    test(`${text} is two commands`, () => asks(text, /^One command at a time/));
  }

  for (const [text, note] of [
    ['ack 12 to be looked at', 'to be looked at'],
    ['ack 12 and the vendor is called', 'and the vendor is called'],
    ['ack 12 because ack 13 was wrong', 'ack 13 was wrong'],
  ] as const) {
    test(`${text} has a note`, () => assert.deepEqual(parse(text), ack([12], null, note)));
  }

  test('however it was typed: capitals, stops, quotes, #, full-width digits, spaces, other words for it', () => {
    for (const text of [
      ' Ack #12. ',
      'ACK12',
      'ack#12',
      'Ack: 12!',
      'acknowledge 12',
      'Acknowledged 12',
      'ok 12',
      'Okay 12.',
      '“Ack 12”',
      "'ack 12'",
      'ＡＣＫ　１２',
      'ack ＃１２',
      'ack\u00a012',
      '\u200eack 12\u200e',
      'ack\n12',
      'ack alert 12',
      'ack 12 please',
      'ack 12, thanks',
      'ack 012',
      '@mauve ack 12',
      'Mauve: ack 12',
    ]) {
      assert.deepEqual(parse(text), ack([12]), JSON.stringify(text));
    }
  });

  test('several, as people list them', () => {
    for (const text of [
      'ack 12, 13 and 2',
      'ack 12 13, 2',
      'ack 12,13,2',
      'ack #12 #13 #2',
      'ack 12 & 13 & 2',
    ]) {
      assert.deepEqual(parse(text), ack([12, 13, 2]), text);
    }
    assert.deepEqual(parse('ack 12, 12, #12'), ack([12]));
  });

  test('what is quoted of the message, and the signature below, are not read', () => {
    assert.deepEqual(parse('> 13 db1: disk is full\n> reply ack 13\nack 12'), ack([12]));
    assert.deepEqual(parse('ack 12\n\n> ack 13'), ack([12]));
    assert.deepEqual(parse('ack 12\n-- \nAnn, +44 20 7946 0000'), ack([12]));
  });

  test('a note is kept as it was written, on one line, and within bounds', () => {
    const reply = parse('Ack 12 2h  Don’t reboot\tit —\n“Max” is there…');
    assert.deepEqual(reply, ack([12], lasting(hours(2)), 'Don’t reboot it — “Max” is there…'));
    const long = parse(`ack 12 2h ${'x'.repeat(replyTextMax - 10)}`);
    assert.ok(long.kind === 'acknowledge' && long.note.length === replyNoteMax);
  });
});

describe('lengths of time', () => {
  const lengths: readonly (readonly [string, object])[] = [
    ['2h', lasting(hours(2))],
    ['2 h', lasting(hours(2))],
    ['2 hours', lasting(hours(2))],
    ['2hrs', lasting(hours(2))],
    ['30 min', lasting(minutes(30))],
    ['30m', lasting(minutes(30))],
    ['30 Minutes', lasting(minutes(30))],
    ['1h30m', lasting(minutes(90))],
    ['1h30', lasting(minutes(90))],
    ['1h 30m', lasting(minutes(90))],
    ['1 hour and 30 minutes', lasting(minutes(90))],
    ['1.5h', lasting(minutes(90))],
    ['1,5 hours', lasting(minutes(90))],
    ['1 day', lasting(hours(24))],
    ['2d', lasting(hours(48))],
    ['a week', lasting(hours(7 * 24))],
    ['90s', lasting(90_000)],
    ['an hour', lasting(hours(1))],
    ['two hours', lasting(hours(2))],
    ['half an hour', lasting(minutes(30))],
    ['2 working hours', lasting(hours(2), 'working')],
    ['2 Working Hours', lasting(hours(2), 'working')],
    ['1 daytime hour', lasting(hours(1), 'daytime')],
    ['2h working hours', lasting(hours(2), 'working')],
    ['3 dead-zone hours', lasting(hours(3), 'dead-zone')],
  ];
  for (const [text, expected] of lengths) {
    test(text, () => {
      assert.deepEqual(parse(`ack 12 ${text}`), ack([12], expected));
      assert.deepEqual(parse(`ack 12 for ${text}.`), ack([12], expected));
      assert.deepEqual(parse(`ack 12 for ${text} because of it`), ack([12], expected, 'of it'));
    });
  }

  const ends: readonly (readonly [string, number])[] = [
    ['09:30', 6.5],
    ['9:30', 6.5],
    ['9.30', 6.5],
    ['9am', 6],
    ['9 am', 6],
    ['9 a.m.', 6],
    ['9:30pm', 18.5],
    ['12am', 21],
    ['noon', 9],
    ['midnight', 21],
    ['02:00', 23],
    ['today 09:30', 6.5],
    ['tomorrow 9:00', 30],
    ['tomorrow at 9:00', 30],
    ['9:00 tomorrow', 30],
    ['monday 09:00', 54],
    ['9am on Mon', 54],
    ['saturday 09:00', 6],
    ['saturday 02:00', 7 * 24 - 1],
    ['2026-11-23 09:00', 54],
  ];
  for (const [text, hoursAway] of ends) {
    test(`until ${text}, by the clock of whoever wrote`, () => {
      assert.deepEqual(parse(`ack 12 until ${text}`), ack([12], lasting(hours(hoursAway))));
      assert.deepEqual(
        parse(`ack 12 till ${text} vendor comes`),
        ack([12], lasting(hours(hoursAway)), 'vendor comes'),
      );
    });
  }

  test('until a time that a change of the clocks moves, it is what the clock on the wall then shows', () => {
    // Paris sets its clocks forward at 02:00 on 2026-03-29.
    const before = { ...context, now: instant(Date.UTC(2026, 2, 28, 23, 0)) };
    const reply = parseReply('ack 12 until 09:00', before);
    assert.deepEqual(reply, ack([12], lasting(hours(8))));
  });
});

describe('asked about, and nothing done', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['', /nothing in it/],
    ['> ack 12', /nothing in it/],
    ['hello there', /I do not know "hello"/],
    ['don’t ack 12', /I do not know/],
    ['12', /Write ack 12, or who 12/],
    ['ack disk', /Which alert is "disk"/],
    ['ack on my way', /Which alert is "on"/],
    ['ack 0', /from 1 on/],
    ['ack 12 0', /from 1 on/],
    ['ack 12 2', /Is 2 an alert or hours\? Write ack 12,2 or ack 12 2h\./],
    ['ack 2 2', /Write ack 2,2 or ack 2 2h/],
    ['ack 12 2 people are on it', /Is 2 an alert or hours/],
    ['ack 12 2h 3h', /Two lengths/],
    ['ack 12 2h for 3h', /Two lengths/],
    ['ack 12 30m 2h', /Two lengths/],
    ['ack 12 2h until 09:00', /Two lengths/],
    ['ack 12 for 2', /2 what\? Write for 2h/],
    ['ack 12 for now', /For how long/],
    ['ack 12 1h 30', /What is "30"/],
    ['ack 12 13-15', /What is "13-15"/],
    ['ack 2h 12', /Alerts come first/],
    ['ack 12 back in 30m', /How long\? Write it before the note/],
    ['ack 12 away until nine', /How long/],
    ['ack 12 2h working', /Is "working" a note\? Write 2 working hours/],
    ['ack 12 2 office hours', /no hours called "office": there are working, daytime, dead-zone/],
    ['ack 12 2 working days', /in hours/],
    ['ack 12 0h', /How long/],
    ['ack 12 999999 weeks', /How long/],
    ['ack 12 until', /Until when/],
    ['ack 12 until 9', /Until when/],
    ['ack 12 until 25:00', /Until when/],
    ['ack 12 until tomorrow', /Until when/],
    ['ack 12 until the vendor comes', /Until when/],
    ['ack 12 until today 02:00', /That time is over/],
    ['ack 12 until 2026-02-30 09:00', /Until when/],
    ['ack 12 until 2099-01-01 09:00', /too far away/],
    ['ack all but 12', /Which ones/],
    ['ack all disks', /"disks" after all/],
    ['ack 12 or 13', /Which ones/],
    ['ack 12 all', /What is "all"/],
    ['ack 12\nack 13', /One command at a time/],
    ['ack 12\nclear 13', /One command at a time/],
    ['ok', /To acknowledge write ack/],
    ['ok thanks', /To acknowledge write ack/],
    ['ok 12 people coming', /To acknowledge write ack/],
    ['ok 12 minutes', /To acknowledge write ack/],
    ['unack', /Write its code, like unack 12/],
    ['unack all', /Write its code/],
    ['unack 12 sorry', /What is "sorry"/],
    ['clear', /Write its code, like clear 12/],
    ['clear all', /Write its code/],
    ['note', /note of which alert/],
    ['note disk is back', /note of which alert/],
    ['note 12', /What is to be noted/],
    ['who is there', /Who of which alert/],
    ['list everything', /list stands alone/],
    ['x'.repeat(replyTextMax + 1), /too long/],
    [`ack ${Array.from({ length: replyCodesMax + 1 }, (_, i) => i + 1).join(', ')}`, /At most 50/],
  ];
  for (const [text, why] of cases) {
    test(JSON.stringify(text.slice(0, 60)), () => asks(text, why));
  }

  test('a bare last number that is not small may be an alert: whether it is one that they know, is looked up', () => {
    const reply = parse('ack 12 30');
    assert.deepEqual(reply, { ...ack([12, 30]), loose: 30 });
  });
});

test('the other commands', () => {
  for (const text of ['unack 12', 'Unack #12.', 'un-ack 12', 'unacknowledge 12 please', 'UNACK12']) {
    assert.deepEqual(parse(text), { kind: 'unacknowledge', codes: [12] }, text);
  }
  assert.deepEqual(parse('unack 12, 13'), { kind: 'unacknowledge', codes: [12, 13] });
  assert.deepEqual(parse('unack 12 2'), { kind: 'unacknowledge', codes: [12, 2] });
  assert.deepEqual(parse('Clear 12'), { kind: 'clear', codes: [12] });
  assert.deepEqual(parse('note 12 fans are loud'), { kind: 'note', code: 12, text: 'fans are loud' });
  assert.deepEqual(parse('Note #12: 3 fans are loud'), { kind: 'note', code: 12, text: '3 fans are loud' });
  for (const text of ['who', 'Who?', "who's next?", 'who is next']) {
    assert.deepEqual(parse(text), { kind: 'who', code: null }, text);
  }
  for (const text of ['who 12', 'who #12?', 'Who hears 12']) {
    assert.deepEqual(parse(text), { kind: 'who', code: 12 }, text);
  }
  for (const text of ['list', 'List.', 'list please']) assert.deepEqual(parse(text), { kind: 'list' }, text);
  for (const text of ['help', 'Help!', '?', '??', ' ? '])
    assert.deepEqual(parse(text), { kind: 'help' }, text);
});

test('in a room only what is surely a command is one; people go on talking', () => {
  for (const text of [
    'ok',
    'ok 12 people for lunch',
    'ok 12',
    'ack, thanks bob',
    'acknowledged',
    'who is at the desk?',
    'list of things to do',
    'clear as mud',
    'note that 12 is broken',
    'help me with this',
    'what about 12?',
    '12',
    '?',
    'hello',
    '',
    'ack disk',
    'clear 12 tables',
    'x'.repeat(5000),
  ]) {
    assert.deepEqual(parseReply(text, room), { kind: 'chatter' }, text);
  }
  for (const text of [
    'ack 12',
    'ack',
    'ack all',
    'ack 12 2h on my way',
    'unack 12',
    'who 12',
    'list',
    'help',
    'note 12 x',
  ]) {
    assert.deepEqual(parseReply(text, room), parse(text), text);
  }
  asks('ack 12 2h 3h', /Two lengths/, room);
  asks('ack 12 2', /Is 2 an alert/, room);
});

describe('whatever is written', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      ...[
        'ack',
        'unack',
        'clear',
        'note',
        'who',
        'list',
        'help',
        '?',
        'all',
        'for',
        'until',
        'tomorrow',
        'and',
      ],
      ...[
        '2h',
        '30',
        '#12',
        '12,13',
        '1h30',
        '9am',
        'half',
        'an',
        'hour',
        'working',
        'hours',
        'because',
        'monday',
      ],
      ...[
        '\n',
        '>',
        '"',
        '’',
        '\u202e',
        '\ud800',
        '１２',
        '٣',
        '999999999999999999999',
        '0',
        '-',
        '2026-13-45',
      ],
    ),
    fc.string({ unit: 'binary', maxLength: 12 }),
  );
  const text = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(' '));

  test('nothing throws, nothing is without bounds, and the same is understood each time', () => {
    fc.assert(
      fc.property(fc.oneof(text, fc.string({ unit: 'binary' })), fc.boolean(), (written, inRoom) => {
        const reply = parseReply(written, { ...context, room: inRoom });
        assert.deepEqual(parseReply(written, { ...context, room: inRoom }), reply);
        assert.ok(JSON.stringify(reply).length < replyTextMax * 7);
        if (reply.kind === 'ask') assert.ok(reply.why.length <= 250, reply.why);
        if ('codes' in reply) checkCodes(reply.codes);
        if (reply.kind !== 'acknowledge') return;
        if (reply.which.kind === 'codes') checkCodes(reply.which.codes);
        assert.ok(reply.note.length <= replyNoteMax && !/[\n\p{Cc}]/u.test(reply.note));
        if (reply.length !== null) assert.ok(reply.length.for > 0 && Number.isInteger(reply.length.for));
      }),
      { numRuns: 3000 },
    );
  });

  const checkCodes = (codes: readonly number[]): void => {
    assert.ok(codes.length > 0 && codes.length <= replyCodesMax);
    assert.equal(new Set(codes).size, codes.length);
    for (const code of codes) assert.ok(Number.isSafeInteger(code) && code > 0);
  };

  test('codes and a length come out as they went in, however they are dressed', () => {
    const code = fc.integer({ min: 13, max: 9_999_999 });
    const dress = fc.constantFrom(
      (codes: string) => `ack ${codes}`,
      (codes: string) => `  ACK   ${codes}  `,
      (codes: string) => `“Ack ${codes}”.`,
      (codes: string) => `ok ${codes}`,
    );
    fc.assert(
      fc.property(
        fc.uniqueArray(code, { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 1, max: 500 }),
        dress,
        (codes, count, put) => {
          assert.deepEqual(parse(put(`${codes.join(', ')} ${count}m`)), ack(codes, lasting(minutes(count))));
        },
      ),
    );
  });

  test('the longest of texts takes no time to speak of', () => {
    for (const unit of ['ack 12 ', '1h', '12 ', 'a ', '> \n', 'for 2 ', 'half an ', '#', '9.', '12,']) {
      const began = performance.now();
      parse(`ack ${unit.repeat(replyTextMax)}`.slice(0, replyTextMax));
      assert.ok(performance.now() - began < 500, `${unit}: ${performance.now() - began} ms`);
    }
  });
});
