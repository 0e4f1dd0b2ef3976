/** Whoever copies the check of a signature out of docs/webhooks.md gets one that lets in what the station sends, and nothing else. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { channel, message, secret, webServer } from './web-kit.ts';

const page = readFileSync(new URL('../../docs/webhooks.md', import.meta.url), 'utf8');
const code = (language: string): string => {
  const found = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'ms').exec(page)?.[1];
  assert.ok(found !== undefined, `no ${language} in docs/webhooks.md`);
  return found;
};

type Given = {
  readonly signature: string;
  readonly body: Buffer;
  readonly secret: string;
  readonly now: number;
};
type Check = (given: Given) => Promise<boolean> | boolean;

async function sent(): Promise<Given> {
  const { url, requests } = await webServer();
  await channel().send(url, message);
  const [request] = requests;
  assert.ok(request !== undefined);
  const signature = `${request.headers['mauve-signature']}`;
  return { signature, body: request.body, secret, now: Number(/t=(\d+)/.exec(signature)?.[1]) };
}

async function tellsApart(check: Check): Promise<void> {
  const good = await sent();
  assert.equal(await check(good), true);
  assert.equal(await check({ ...good, now: good.now + 200 }), true);
  const other = good.signature.replace(/v1=./, (start) => (start.endsWith('0') ? 'v1=1' : 'v1=0'));
  for (const [what, bad] of Object.entries({
    'another body': { ...good, body: Buffer.concat([good.body, Buffer.from(' ')]) },
    'another secret': { ...good, secret: `${secret}x` },
    'another signature': { ...good, signature: other },
    'another time': { ...good, signature: good.signature.replace(/^t=\d+/, `t=${good.now + 1}`) },
    'an old message': { ...good, now: good.now + 400 },
    'a message from the future': { ...good, now: good.now - 400 },
    'half a signature': { ...good, signature: good.signature.slice(0, 40) },
    'no signature': { ...good, signature: '' },
    'no time': { ...good, signature: good.signature.replace(/^t=\d+,/, '') },
    rubbish: { ...good, signature: 't=x,v1=ü,=,' },
  })) {
    assert.equal(await check(bad), false, what);
  }
}

test('the check in JavaScript', async () => {
  const loaded: unknown = await import(`data:text/javascript,${encodeURIComponent(code('js'))}`);
  assert.ok(typeof loaded === 'object' && loaded !== null && 'isGenuine' in loaded);
  const { isGenuine } = loaded;
  assert.ok(typeof isGenuine === 'function');
  await tellsApart(({ signature, body, secret: by, now }) => isGenuine(signature, body, by, now));
});

test('the check in Python', async (t) => {
  if (spawnSync('python3', ['--version']).status !== 0) return t.skip('there is no python3');
  const program = `${code('python')}\nimport sys\nprint(is_genuine(sys.argv[1], sys.stdin.buffer.read(), sys.argv[2], float(sys.argv[3])))`;
  await tellsApart(({ signature, body, secret: by, now }) => {
    const ran = spawnSync('python3', ['-c', program, signature, by, `${now}`], {
      input: body,
      encoding: 'utf8',
    });
    assert.equal(ran.status, 0, ran.stderr);
    return ran.stdout.trim() === 'True';
  });
});
