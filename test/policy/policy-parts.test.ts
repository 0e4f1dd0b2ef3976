/** Policies in several files: what they are together, and where their mistakes are. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Feeds } from '../../src/station/policy/feeds.ts';
import { includeDepthMax, policyFilesMax } from '../../src/station/policy/parts.ts';
import { loadFrom, now, toldOf } from './kit.ts';

const main = (more: string): string => `version: 1\ninclude: ["parts/*.yaml"]\npeople: {ann: {}}\n${more}`;
const all = 'groups: [{name: all, notify: [{to: ann}]}]\n';

describe('a policy in several files', () => {
  test('has the names of all, and the groups of the included files before its own', () => {
    const loaded = loadFrom({
      'policy.yaml': main(all),
      'parts/b.yaml': 'groups: [{name: b, match: {id: b}, notify: [{to: [ann, bob]}]}]\n',
      'parts/a.yaml': 'people: {bob: {}}\ngroups: [{name: a, match: {id: a}, notify: [{to: bob}]}]\n',
      'parts/a.scenario.yaml': 'nothing: of ours\n',
      'parts/.a.yaml': 'nothing: of ours\n',
      'parts/notes.txt': 'nothing of ours',
    });
    assert.ok(loaded.ok, toldOf(loaded).join('\n'));
    assert.deepEqual(
      loaded.policy.groups.map(({ name }) => name),
      ['a', 'b', 'all'],
    );
    assert.deepEqual([...loaded.policy.people.keys()], ['bob', 'ann']);
    assert.deepEqual(
      loaded.files.map((file) => file.split('/').at(-1)),
      ['policy.yaml', 'a.yaml', 'b.yaml'],
    );
    assert.deepEqual(toldOf(loaded), []);
  });

  test('may leave people and groups to the included files, and must have them somewhere', () => {
    const part = { 'parts/a.yaml': `people: {ann: {}}\n${all}` };
    assert.equal(loadFrom({ 'policy.yaml': 'version: 1\ninclude: [parts/a.yaml]\n', ...part }).ok, true);
    assert.deepEqual(toldOf(loadFrom({ 'policy.yaml': 'version: 1\n' })), [
      'policy.yaml:1:1: "people" is missing: a mapping of keys to values is expected',
      'policy.yaml:1:1: "groups" is missing: a list is expected',
    ]);
  });

  test('is another when any of them changes', () => {
    const version = (text: string) => {
      const loaded = loadFrom({ 'policy.yaml': main(all), 'parts/a.yaml': text });
      return loaded.ok && loaded.policy.version;
    };
    assert.equal(version('people: {bob: {}}'), version('people: {bob: {}}'));
    assert.notEqual(version('people: {bob: {}}'), version('people: {bob: {} }'));
  });

  test('tells of a fault where it is, in whichever file', () => {
    const shape = { 'policy.yaml': main(all), 'parts/a.yaml': 'people:\n  bob: {emial: x}\n' };
    assert.deepEqual(toldOf(loadFrom(shape)), [
      'parts/a.yaml:2:9: unknown key "emial" (did you mean "email"?)',
    ]);
    const names = {
      'policy.yaml': main('groups: [{name: all, notify: [{to: bo}]}]\n'),
      'parts/a.yaml': 'people:\n  bob: {}\nlists:\n  x: {members: [an]}\n',
    };
    assert.deepEqual([...toldOf(loadFrom(names))].sort(), [
      'parts/a.yaml:4:17: no person or list is called "an" (did you mean "ann"?)',
      'policy.yaml:4:36: no person or list is called "bo" (did you mean "bob"?)',
    ]);
    const both = {
      'policy.yaml': main('groups: [{name: all, levle: low, notify: [{to: [bo, cy]}]}]\n'),
      'parts/a.yaml': 'people:\n  bob: {}\n  cy: 5\n',
    };
    assert.deepEqual([...toldOf(loadFrom(both))].sort(), [
      'parts/a.yaml:3:7: a mapping of keys to values is expected, not a whole number',
      'policy.yaml:4:22: unknown key "levle" (did you mean "level"?)',
      'policy.yaml:4:49: no person or list is called "bo" (did you mean "bob"?)',
    ]);
    const unreadable = { ...names, 'parts/a.yaml': 'people: [\n' };
    assert.deepEqual(
      toldOf(loadFrom(unreadable)).filter((line) => line.startsWith('policy.yaml')),
      [],
      'names may be in the file that cannot be read',
    );
    assert.deepEqual(toldOf(loadFrom({ 'policy.yaml': main(all), 'parts/a.yaml': 'timezone: UTC\n' })), [
      'parts/a.yaml:1:1: unknown key "timezone" (known here: version, include, people, lists, sources, hours, holidays, away, silences, inhibit, groups)',
    ]);
  });

  test('tells of a name that is defined twice at both places', () => {
    const part = `people:
  ann: {}
lists: {l: {members: [ann]}}
sources: {s: [a]}
hours: {h: {days: mon}}
silences: [{name: s, match: {id: x}, during: h}]
inhibit: [{name: i, while: {id: a}, mutes: {id: b}}]
groups:
  - {name: all, match: {id: x}, notify: []}
`;
    const told = toldOf(
      loadFrom({
        'policy.yaml': main(
          `lists: {l: {members: [ann]}}\nsources: {s: [a]}\nhours: {h: {days: mon}}\nsilences: [{name: s, match: {id: x}, during: h}]\ninhibit: [{name: i, while: {id: a}, mutes: {id: b}}]\n${all}`,
        ),
        'parts/a.yaml': part,
      }),
    );
    assert.deepEqual(told, [
      'parts/a.yaml:2:3: person "ann" is defined twice: also at policy.yaml:3:10',
      'parts/a.yaml:3:9: list "l" is defined twice: also at policy.yaml:4:9',
      'parts/a.yaml:4:11: source list "s" is defined twice: also at policy.yaml:5:11',
      'parts/a.yaml:5:9: hours "h" is defined twice: also at policy.yaml:6:9',
      'parts/a.yaml:6:19: silence "s" is defined twice: also at policy.yaml:7:19',
      'parts/a.yaml:7:18: inhibition "i" is defined twice: also at policy.yaml:8:18',
      'parts/a.yaml:9:12: group "all" is defined twice: also at policy.yaml:9:17',
      'policy.yaml:3:10: person "ann" is defined twice: also at parts/a.yaml:2:3',
      'policy.yaml:4:9: list "l" is defined twice: also at parts/a.yaml:3:9',
      'policy.yaml:5:11: source list "s" is defined twice: also at parts/a.yaml:4:11',
      'policy.yaml:6:9: hours "h" is defined twice: also at parts/a.yaml:5:9',
      'policy.yaml:7:19: silence "s" is defined twice: also at parts/a.yaml:6:19',
      'policy.yaml:8:18: inhibition "i" is defined twice: also at parts/a.yaml:7:18',
      'policy.yaml:9:17: group "all" is defined twice: also at parts/a.yaml:9:12',
    ]);
  });

  test('may include each other, but not in a circle; what two of them need counts once', () => {
    const circle = toldOf(
      loadFrom({
        'policy.yaml': main(all),
        'parts/a.yaml': 'include: [../b.yaml]\n',
        'b.yaml': 'include: [parts/a.yaml]\n',
      }),
    );
    assert.match(
      circle.join(),
      /^b\.yaml:1:11: a file includes itself: \S+a\.yaml → \S+b\.yaml → \S+a\.yaml$/,
    );
    const twice = { 'parts/a.yaml': 'include: [../c.yaml]\n', 'parts/b.yaml': 'include: [../c.yaml]\n' };
    assert.equal(loadFrom({ 'policy.yaml': main(all), ...twice, 'c.yaml': 'people: {bob: {}}\n' }).ok, true);
  });

  test('may be named by their whole path, and not by an address', () => {
    const loaded = loadFrom({
      'policy.yaml': 'version: 1\ninclude: [/nowhere/x.yaml, "https://example.net/x.yaml"]\n',
    });
    assert.deepEqual(toldOf(loaded), [
      'policy.yaml:2:11: /nowhere/x.yaml cannot be read: there is no such file',
      'policy.yaml:2:28: files of this machine can be included, not addresses',
    ]);
  });

  test('that are none yet are worth a warning', () => {
    assert.deepEqual(toldOf(loadFrom({ 'policy.yaml': main(all) })), [
      'policy.yaml:2:11: no file is called like that',
    ]);
    assert.deepEqual(toldOf(loadFrom({ 'policy.yaml': main(all).replace('parts/*', '*/x') })), [
      'policy.yaml:2:11: */x.yaml cannot be read: * is expected in the last part only',
    ]);
  });

  test('are so many, and so deep, and no more', () => {
    const many = Object.fromEntries(
      Array.from({ length: policyFilesMax }, (_, i) => [`parts/${i}.yaml`, 'version: 1\n']),
    );
    assert.match(
      toldOf(loadFrom({ 'policy.yaml': main(all), ...many })).join(),
      /a policy has at most 200 files/,
    );
    const deep = Object.fromEntries(
      Array.from({ length: includeDepthMax + 1 }, (_, i) => [
        i === 0 ? 'parts/0.yaml' : `${i}.yaml`,
        `include: [${i === 0 ? '../1.yaml' : `${i + 1}.yaml`}]\n`,
      ]),
    );
    assert.match(
      toldOf(loadFrom({ 'policy.yaml': main(all), ...deep })).join(),
      /include each other more than 8 deep/,
    );
  });

  test('together have no more of anything than one may have', () => {
    const people = (of: string, count: number): string =>
      `people:\n${Array.from({ length: count }, (_, i) => `  ${of}${i}: {}\n`).join('')}`;
    const loaded = loadFrom({
      'policy.yaml': main(all),
      'parts/a.yaml': people('a', 6000),
      'parts/b.yaml': people('b', 4000),
    });
    assert.deepEqual(toldOf(loaded), ['policy.yaml:3:10: at most 10000 are expected, in all files together']);
  });
});

describe('a calendar or a list that a policy refers to', () => {
  const rota = (ref: string, options = {}) =>
    loadFrom(
      {
        'policy.yaml': `version: 1\npeople: {ann: {}}\nlists:\n  on-call: {rota: ${ref}}\ngroups: [{name: g, notify: [{to: [ann, on-call]}]}]\n`,
        'rota.ics': 'no calendar',
      },
      options,
    );

  test('must be there and right, if it is a file', () => {
    assert.deepEqual(toldOf(rota('none.ics')), [
      'policy.yaml:4:19: none.ics cannot be used: there is no such file',
    ]);
    assert.match(toldOf(rota('rota.ics')).join(), /^policy.yaml:4:19: rota.ics cannot be used: \S/);
  });

  test('is in use once it was fetched, if it is an address', () => {
    const loaded = rota('"https://example.net/rota.ics"');
    assert.ok(loaded.ok);
    assert.match(toldOf(loaded).join('\n'), /4:19: https:\/\/example.net\/rota.ics is not in use yet: /);
    assert.equal(loaded.problems.length, 1);
    assert.deepEqual(loaded.feeds, [{ kind: 'url', url: 'https://example.net/rota.ics' }]);
  });

  test('is named without the password that its address holds', () => {
    const loaded = rota('"https://ann:hunter2@example.net/rota.ics?key=hunter3"');
    assert.ok(loaded.ok);
    assert.match(toldOf(loaded).join('\n'), /example.net\/rota.ics is not in use yet/);
    assert.doesNotMatch([...toldOf(loaded), ...loaded.problems].join('\n'), /hunter/);
  });

  test('keeps its last good content, and says so', () => {
    const text = 'BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nEND:VCALENDAR\r\n';
    const feeds: Feeds = {
      read: (_, parse) => {
        const parsed = parse(text);
        return parsed.ok ? { ...parsed, text, problem: 'rota.ics is of Monday' } : parsed;
      },
      refresh: async () => false,
      problems: () => [],
    };
    const loaded = rota('rota.ics', { feeds });
    assert.ok(loaded.ok, toldOf(loaded).join());
    assert.deepEqual(loaded.problems, ['rota.ics is of Monday']);
    assert.deepEqual(toldOf(loaded), ['policy.yaml:4:19: nobody has a shift in this rota now, or within 7d']);
    assert.notEqual(loaded.policy.version, (rota('"https://example.net/x"') as typeof loaded).policy.version);
  });

  test('is relative to the file that names it', () => {
    const loaded = loadFrom({
      'policy.yaml': `version: 1\ninclude: [parts/a.yaml]\npeople: {ann: {}}\n${all}`,
      'parts/a.yaml':
        'sources: {s: {from: hosts.txt}}\nsilences: [{name: q, match: {subject: {in: s}}, during: dead-zone}]\n',
      'parts/hosts.txt': 'db1\ndb2 # new\n',
    });
    assert.ok(loaded.ok, toldOf(loaded).join());
    assert.deepEqual(loaded.policy.hosts, ['db1', 'db2']);
  });

  test('with an event that names nobody is worth a warning', () => {
    const events = [now, now + 7 * 86_400_000].map((at, i) => {
      const day = new Date(at).toISOString().slice(0, 10).replaceAll('-', '');
      return `BEGIN:VEVENT\r\nUID:${i}\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:${day}T080000Z\r\nDTEND:${day}T180000Z\r\nSUMMARY:${i === 0 ? 'ann' : 'zoe'}\r\nEND:VEVENT\r\n`;
    });
    const loaded = loadFrom({
      'policy.yaml':
        'version: 1\npeople: {ann: {}}\nlists:\n  on-call: {rota: r.ics}\ngroups: [{name: g, notify: [{to: on-call}]}]\n',
      'r.ics': `BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n${events.join('')}END:VCALENDAR\r\n`,
    });
    assert.deepEqual(toldOf(loaded), [
      'policy.yaml:4:19: r.ics: the event of 2026-07-08 names nobody who is known',
    ]);
  });
});
