// `npm test`: makes a fresh clone ready, installs the peers that the tests talk to, and runs every test.
// Without root it runs what needs no privilege, and then fails with the one command for the rest.
//   --full   also the long tests (*.full.test.ts)
//   --unit   only what needs no privilege and no peer, for `npm run check`
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { node, root, run, runThrough, setup } from './setup.mjs';

const flags = process.argv.slice(2);
const full = flags.includes('--full');
const unit = flags.includes('--unit');
const named = flags.filter((flag) => !flag.startsWith('--'));
const isRoot = process.getuid?.() === 0;

/** What the tests start beside the station, and the Debian packages that bring it. */
const peers = [
  { file: '/usr/bin/chromium', package: 'chromium' },
  { file: '/usr/bin/unshare', package: 'util-linux' },
  { file: '/usr/sbin/ip', also: ['/sbin/ip', '/usr/bin/ip', '/bin/ip'], package: 'iproute2' },
  { file: '/usr/bin/openssl', package: 'openssl' },
  { file: '/usr/bin/prosody', package: 'prosody' },
  // The laboratory of the probe, and its engines.
  { file: '/usr/bin/scamper', package: 'scamper' },
  { file: '/usr/bin/mtr-packet', package: 'mtr-tiny' },
  { file: '/usr/sbin/traceroute', also: ['/usr/bin/traceroute'], package: 'traceroute' },
  { file: '/usr/bin/tcpdump', also: ['/usr/sbin/tcpdump'], package: 'tcpdump' },
  { file: '/usr/sbin/nft', package: 'nftables' },
  { file: '/usr/bin/gcc', package: 'gcc' },
  { file: '/usr/include/stdio.h', package: 'libc6-dev' },
];

async function installPeers() {
  const missing = peers.filter(({ file, also }) => ![file, ...(also ?? [])].some((path) => existsSync(path)));
  if (missing.length === 0) return;
  const packages = missing.map((peer) => peer.package);
  console.error(`Installing ${packages.join(', ')} …`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const quiet = { env, stdio: ['ignore', 'ignore', 'inherit'] };
  await run('apt-get', ['update', '-qq'], quiet);
  await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], quiet);
}

/**
 * Not for `npm run check`, which is to take a minute: tests that start the real programs again and again, live through
 * weeks on a simulated clock or thousands of made-up cases, or wait for real connections to end.
 */
const takeLong = [
  /^test\/(faults|end-to-end|simulate)\//,
  /^test\/channels\/(email|webhook)\./,
  /^test\/control\/(commands|silence|policy|channel)\./,
  /^test\/probe\/(command|agent|agent-targets|state-file|harmless)\./,
  /^test\/policy\/(schedule-property|policy-faults)\./,
  /^test\/store\/(outbox-model|model)\./,
  /^test\/web\/(refusals|live|login|hooks|secrets|link)\./,
  /^test\/station\/(patience|found-policy)\./,
];

function testFiles() {
  const all = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => join('test', name))
    .filter((name) => full || !name.endsWith('.full.test.ts'))
    .filter((name) => (isRoot && !unit) || !name.includes('.root.'))
    .filter((name) => !unit || !takeLong.some((kind) => kind.test(name)))
    .sort();
  return named.length === 0 ? all : all.filter((name) => named.some((part) => name.includes(part)));
}

await setup();
if (isRoot && !unit) await installPeers();
const how = ['--test', '--test-concurrency=2', '--test-timeout=180000', '--test-reporter=spec'];
const status = await runThrough(node, [...how, ...testFiles()]);
if (!isRoot && !unit) {
  console.error(
    '\nNot run: the tests that need privilege (network namespaces, small disks, the browser). Type:',
  );
  console.error('  sudo npm test');
}
process.exitCode = status === 0 && !isRoot && !unit ? 1 : status;
