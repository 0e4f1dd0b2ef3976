/** How an SMS is written and counted: GSM-7 where it can be, in so many segments, and never half a link. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SegmentedMessage } from 'sms-segments-calculator';
import { smsCharactersMax, smsSegmentsMax } from '../../src/station/channels/sms-limits.ts';
import { asSms, fitsSms, isGsm, segmentsOf, shortenedSms } from '../../src/station/channels/sms-text.ts';

const link = 'https://mauve.example.net/a/_Zx9-4';

test('typographic characters give way to their plain look-alikes where the message is GSM-7 then', () => {
  const cases: readonly (readonly [written: string, sent: string])[] = [
    ['“disk” ‘full’ – now — soon…', '"disk" \'full\' - now - soon...'],
    ['97\u00a0% of\u202f1\u2009TB', '97 % of 1 TB'],
    ['a → b, 5 µs ≥ 3, 21 °C, 2 × 4', 'a -> b, 5 us >= 3, 21 degC, 2 x 4'],
    ['`cmd` • next', "'cmd' * next"],
    ['one\ttwo\r\nthree\rfour\u2028five', 'one two\nthree\nfour\nfive'],
    ['e\u0301 and u\u0308', 'é and ü'],
    ['soft\u00adly\u200b\ufeff', 'softly'],
    ['  \n text \n\n', 'text'],
    ['bell\u0007 null\u0000', 'bell null'],
  ];
  for (const [written, sent] of cases) {
    assert.equal(asSms(written), sent);
    assert.ok(isGsm(sent), sent);
  }
});

test('letters of the GSM alphabet stay, and so do its signs that take two places', () => {
  for (const text of ['Größe è ñ Å ø Ç ß', '{a} [b] ~ | ^ \\ €', '£$¥ ¿¡ §', link]) {
    assert.equal(asSms(text), text);
    assert.ok(isGsm(text));
  }
});

test('a message with other letters stays as it was written, quotes and all', () => {
  for (const text of ['磁盘 “db1” 已满…', 'Łukasz – on call', '“db1” 🔥']) {
    assert.equal(asSms(text), text);
    assert.ok(!isGsm(asSms(text)));
  }
});

test('the alphabet is the one that the library knows', () => {
  for (let code = 0x20; code < 0x1_0000; code += 1) {
    const one = String.fromCharCode(code);
    if (/[\p{Cc}\p{Cs}]/u.test(one)) continue;
    assert.equal(isGsm(one), new SegmentedMessage(one).encodingName === 'GSM-7', `U+${code.toString(16)}`);
  }
});

test('a message takes as many segments as the standard says, to the character', () => {
  const cases: readonly (readonly [text: string, segments: number])[] = [
    ['a'.repeat(160), 1],
    ['a'.repeat(161), 2],
    ['a'.repeat(306), 2],
    ['a'.repeat(307), 3],
    ['a'.repeat(459), 3],
    ['a'.repeat(460), 4],
    ['€'.repeat(80), 1],
    ['€'.repeat(81), 2],
    ['磁'.repeat(70), 1],
    ['磁'.repeat(71), 2],
    ['磁'.repeat(201), 3],
    ['磁'.repeat(202), 4],
    // A character of two places is not torn apart between two segments.
    [`${'a'.repeat(152)}€${'a'.repeat(152)}`, 3],
  ];
  for (const [text, segments] of cases) {
    assert.equal(segmentsOf(text), segments, text);
    assert.ok(fitsSms(text, segments));
    assert.ok(segments === 1 || !fitsSms(text, segments - 1));
  }
});

test('what fits is judged by what is sent, not by what is written', () => {
  assert.ok(fitsSms(`${'a'.repeat(158)}’s`, 1), 'the quote was counted as UCS-2');
  assert.ok(!fitsSms(`${'a'.repeat(158)}…`, 1), 'the ellipsis was counted as one character');
});

test('no more than 1600 characters fit, however many segments there may be', () => {
  assert.ok(fitsSms('a'.repeat(1530), smsSegmentsMax));
  assert.ok(!fitsSms('a'.repeat(smsCharactersMax + 1), 100));
  assert.ok(fitsSms('a'.repeat(smsCharactersMax), 100));
});

test('what fits is not changed, what does not is cut before its link', () => {
  assert.equal(shortenedSms(`db1 is full: ${link}`, 1), `db1 is full: ${link}`);
  const cut = shortenedSms(`${'disk is full '.repeat(40)}${link}`, 1);
  assert.equal(segmentsOf(cut), 1);
  assert.ok(cut.endsWith(`... ${link}`), cut);
  assert.ok(cut.length > 155, 'there was room for more');
  const asian = shortenedSms(`${'磁盘已满'.repeat(40)} ${link}`, 2);
  assert.equal(segmentsOf(asian), 2);
  assert.ok(asian.endsWith(`… ${link}`), asian);
  assert.equal(shortenedSms('x'.repeat(200), 1), `${'x'.repeat(157)}...`);
});

test('what stands behind the link is kept where there is room, for it may say how to answer', () => {
  const long = 'disk is full '.repeat(40);
  assert.ok(shortenedSms(`${long}${link} or answer: ack 12`, 1).endsWith(`... ${link} or answer: ack 12`));
  assert.ok(shortenedSms(`${long}${link} ${'and so on '.repeat(30)}`, 1).endsWith(`... ${link}`));
});

test('of several links none is cut in half: the last stays, others go whole', () => {
  const other = `https://wiki.example.net/${'p'.repeat(60)}`;
  const cut = shortenedSms(`${'word '.repeat(14)}${other} ${'word '.repeat(20)}${link}`, 1);
  assert.ok(cut.endsWith(`word... ${link}`), cut);
  assert.ok(!cut.includes('wiki'), cut);
});

test('a link that alone takes more segments than are allowed goes whole all the same', () => {
  const long = `https://mauve.example.net/${'a'.repeat(300)}`;
  assert.equal(shortenedSms(`db1 is full ${long}`, 1), long);
  const endless = `https://mauve.example.net/${'a'.repeat(2000)}`;
  const cut = shortenedSms(`db1 is full ${endless}`, 1);
  assert.equal(cut, 'db1 is full...', 'Twilio takes no link as long as this');
});

test('whatever the text, it is cut to fit, with no half characters and no half links', () => {
  const words = fc.array(
    fc.oneof(
      fc.constantFrom('disk', 'é', '“x”', '磁盘', '👩‍🚒', '👍🏽', '€€€', '…', '\n', '\ud83d', 'a'.repeat(50)),
      fc.webUrl({ withQueryParameters: true }),
    ),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(words, fc.integer({ min: 1, max: 4 }), fc.boolean(), (parts, segments, last) => {
      const text = [...parts, ...(last ? [link] : [])].join(' ');
      const sent = shortenedSms(text, segments);
      assert.ok(sent.isWellFormed());
      const whole = new Set(text.match(/https?:\/\/\S+/giu) ?? []);
      if (last) assert.ok(sent.includes(link), sent);
      for (const found of sent.match(/https?:\/\/\S+/giu) ?? []) {
        assert.ok(whole.has(found), `${found} was cut`);
      }
      if (segments > 1 && last) assert.ok(segmentsOf(sent) <= segments);
      assert.equal(asSms(sent), sent, 'what is sent is what was counted');
      if (fitsSms(text, segments)) assert.equal(sent, asSms(text));
    }),
    { numRuns: 150 },
  );
});
