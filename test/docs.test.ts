/** Whoever copies a policy or a station file out of the documentation gets one that works. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { probeFileSchema } from '../src/probe/config-file.ts';
import { loadConfig, stationFileSchema } from '../src/station/config.ts';
import { parsePolicy } from '../src/station/policy/file.ts';
import { parseScenario } from '../src/station/rehearsal/scenario.ts';
import { formatFault, parseYaml } from '../src/station/yaml-file.ts';
import { instant } from '../src/time.ts';

/** A Wednesday. */
const now = instant(Date.UTC(2026, 6, 1));
const root = join(import.meta.dirname, '..');
const pages = ['README.md', ...readdirSync(join(root, 'docs')).map((name) => join('docs', name))];

/** The YAML of the pages, each piece with the place where it stands. */
const blocks = pages
  .filter((page) => page.endsWith('.md'))
  .flatMap((page) => {
    const text = readFileSync(join(root, page), 'utf8');
    return [...text.matchAll(/^```yaml\n(.*?)^```$/gms)].map((match) => ({
      place: `${page}:${text.slice(0, match.index).split('\n').length + 1}`,
      yaml: match[1] ?? '',
    }));
  });
const policies = blocks.filter(({ yaml }) => yaml.startsWith('version:'));
const stationFiles = blocks.filter(({ yaml }) => {
  const [first = ''] = Object.keys(parse(yaml) ?? {});
  return first in stationFileSchema.shape;
});

const probeFiles = blocks.filter(({ yaml }) => {
  const [first = ''] = Object.keys(parse(yaml) ?? {});
  return first in probeFileSchema.shape && !(first in stationFileSchema.shape);
});

const scenarios = blocks.filter(({ yaml }) => /^start:/m.test(yaml));

test('every scenario in the documentation is one', () => {
  for (const { place, yaml } of scenarios) {
    const parsed = parseScenario(place, yaml);
    assert.deepEqual(parsed.ok ? [] : parsed.faults.map(formatFault), [], place);
  }
});

test('every policy in the documentation is one', () => {
  for (const { place, yaml } of policies) {
    const loaded = parsePolicy(place, yaml, { now });
    assert.deepEqual(
      loaded.ok ? loaded.warnings.map(formatFault) : loaded.faults.map(formatFault),
      [],
      place,
    );
  }
});

/** What lies in a file that a station file names. */
function fileText(path: string): string {
  if (!path.endsWith('dkim.pem')) return 'a secret of the documentation\n';
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

test('every station file in the documentation is one', () => {
  for (const { place, yaml } of stationFiles) {
    const loaded = loadConfig({
      argv: ['--config', 'station.yaml'],
      env: {},
      cwd: '/',
      defaultPolicy: '/policy.yaml',
      version: '0',
      readFile: (path) => ({
        ok: true,
        text: path === '/station.yaml' ? yaml : fileText(path),
        worldReadable: false,
      }),
    });
    assert.deepEqual(loaded.ok ? [] : loaded.faults, [], place);
  }
});

test('every file of a probe in the documentation is one', () => {
  for (const { place, yaml } of probeFiles) {
    const parsed = parseYaml(place, yaml, probeFileSchema);
    assert.deepEqual(parsed.ok ? [] : parsed.faults.map(formatFault), [], place);
  }
});

test('there are some of each, and nothing else that is marked as YAML', () => {
  const kinds = [policies, scenarios, stationFiles, probeFiles];
  assert.ok(kinds.every(({ length }) => length > 0));
  const known = kinds.reduce((sum, { length }) => sum + length, 0);
  assert.equal(known, blocks.length, 'a piece of YAML that is none of them');
});
