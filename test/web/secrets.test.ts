/** Passwords and details: what is kept is a slow hash, what is shown is harmless. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { safeDetail } from '../../src/station/html.ts';
import { hashPassword, passwordProblem, verifyPassword } from '../../src/station/password.ts';

test('a password is recognised by its hash, whatever form its accents have, and no other is', async () => {
  const hash = await hashPassword('café au lait');
  assert.match(hash, /^scrypt\$\d+\$\d+\$\d+\$[\w-]+\$[\w-]+$/);
  assert.equal(await verifyPassword('café au lait', hash), true);
  assert.equal(await verifyPassword('cafe\u0301 au lait', hash), true);
  assert.equal(await verifyPassword('cafe au lait', hash), false);
  assert.notEqual(await hashPassword('café au lait'), hash);
  for (const broken of [
    null,
    '',
    'scrypt$',
    'sha1$abc',
    hash.replace('$32768$', '$999999999$'),
    hash.slice(0, -20),
  ]) {
    assert.equal(await verifyPassword('café au lait', broken), false);
  }
  assert.notEqual(passwordProblem('short'), null);
  assert.equal(passwordProblem('long enough for anybody'), null);
});

type Vector = {
  name: string;
  steps?: { op: string; input: string }[];
  expect?: { after_step: number; text: string }[];
};

test('detail keeps harmless HTML: the recorded cases, without remote images (semantics, difference 13)', () => {
  const all = JSON.parse(readFileSync(new URL('../vectors/behaviour.json', import.meta.url), 'utf8'));
  const cases: Vector[] = Array.isArray(all) ? all : Object.values(all).flat();
  const recorded = cases.find(({ name }) => name === 'detail keeps harmless HTML');
  assert.ok(recorded?.steps && recorded.expect);
  for (const { after_step, text } of recorded.expect) {
    const step: { input: string } | undefined = recorded.steps[after_step];
    assert.ok(step);
    const expected = text.includes('<img')
      ? ''
      : text.replace(/(<a href="[^"]*")/g, '$1 rel="noopener noreferrer nofollow"');
    assert.equal(safeDetail(step.input), expected);
  }
});

test('nothing in a detail runs, submits, fetches, or looks like a part of the page', () => {
  for (const raw of [
    '<a href="java\u0000script:alert(1)">x</a><a href=" javascript:alert(1)">x</a><a href="data:text/html,x">x</a>',
    '<a href="/logout">x</a><a href="//evil.example/">x</a><a href="?x">x</a>',
    '<p style="position:fixed" class="bar" id="main">x</p>',
    '<form action="/x"><input name="a"><button>b</button></form>',
    '<svg><script>1</script></svg><math><mi xlink:href="javascript:1">x</mi></math>',
    '<style>*{display:none}</style><link rel="stylesheet" href="x"><meta http-equiv="refresh" content="0">',
    '<img src="http://a.example/i.png"><video src=x></video><object data=x></object><base href="//evil">',
    '<<script>alert(1)</script><scr<script>ipt>alert(1)</script>',
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
  ]) {
    const safe = safeDetail(raw);
    assert.doesNotMatch(
      safe,
      /<(script|style|svg|math|form|input|button|img|video|object|link|meta|base|iframe)\b/i,
      raw,
    );
    assert.doesNotMatch(safe, /\s(style|class|id|on\w+)=/i, raw);
    assert.doesNotMatch(safe, /href="(?!https?:|mailto:)/i, raw);
  }
  assert.equal(safeDetail('1 < 2 && 3 > 2'), '1 &lt; 2 &amp;&amp; 3 &gt; 2');
});

test('a hostile detail of the greatest length is cleaned in well under a second, and comes out closed', () => {
  const most = 65_535;
  for (const piece of [
    '<div>',
    '<b>',
    '<',
    '<a href="',
    '<p>',
    '<table><tr><td>',
    '<!--',
    '<a title="&amp;">',
    '&',
    '<x y=">',
  ]) {
    const began = performance.now();
    const safe = safeDetail(piece.repeat(Math.ceil(most / piece.length)));
    assert.ok(performance.now() - began < 1000, `${piece}: ${performance.now() - began} ms`);
    assert.ok(safe.length <= 6 * most, `${piece}: ${safe.length}`);
    assert.equal(safe.match(/<div>/g)?.length, safe.match(/<\/div>/g)?.length);
  }
});
