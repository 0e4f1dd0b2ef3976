/** Who may import whom; the reasons are in ARCHITECTURE.md. `npm run check` and test/architecture.test.ts run it. */
const only = (name, from, ...allowed) => ({
  name,
  severity: 'error',
  from: { path: from },
  to: { path: '^src/', pathNot: [from, ...allowed] },
});

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'nobody-imports-a-main',
      severity: 'error',
      from: {},
      to: { path: ['/main\\.ts$', 'worker\\.ts$'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'the-core-is-pure',
      severity: 'error',
      from: { path: '^src/[^/]+/core/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'the-core-knows-only-time-and-the-wires-types',
      severity: 'error',
      from: { path: '^src/station/core/' },
      to: { path: '^src/', pathNot: ['^src/station/core/', '^src/time\\.ts$', '^src/wire/update\\.ts$'] },
    },
    only('time-and-log-know-nobody', '^src/(time|log)\\.ts$'),
    only('wire-knows-time', '^src/wire/', '^src/time\\.ts$'),
    only('send-knows-the-wire', '^src/send/', '^src/wire/', '^src/time\\.ts$'),
    only(
      'the-web-knows-the-door-the-reads-and-core-types',
      '^src/web/',
      '^src/(time|log)\\.ts$',
      '^src/station/(door|port|html|password|address)\\.ts$',
      '^src/station/store/(store|sqlite-reads)\\.ts$',
      '^src/station/core/',
    ),
    only(
      'control-knows-accounts-and-tries-policies',
      '^src/control/',
      '^src/time\\.ts$',
      '^src/station/(password|nearest|config|local-file|yaml-file|html)\\.ts$',
      '^src/station/policy/(file|feeds)\\.ts$',
      '^src/station/(store|core|rehearsal|messages)/',
      '^src/station/channels/sms-(text|limits)\\.ts$',
    ),
    // Files that people write are read, and their mistakes told, in one way for all programs.
    only(
      'the-probe-knows-the-wire-the-sender-and-how-files-are-read',
      '^src/probe/',
      '^src/(time|log)\\.ts$',
      '^src/wire/',
      '^src/send/sender\\.ts$',
      '^src/station/(yaml-file|nearest|address|local-file)\\.ts$',
      // One way of locking a file for both programs.
      '^src/station/store/(file-lock|errors)\\.ts$',
    ),
    only(
      'probe-core-knows-time-and-the-wires-types',
      '^src/probe/core/',
      '^src/time\\.ts$',
      '^src/wire/update\\.ts$',
    ),
    only(
      'engines-know-records-alone',
      '^src/probe/engine/',
      '^src/(time|log)\\.ts$',
      '^src/probe/core/(attempts|record|network|chance)\\.ts$',
    ),
    only(
      'calendars-know-core-types',
      '^src/station/calendar/',
      '^src/time\\.ts$',
      '^src/station/(nearest\\.ts$|core/)',
    ),
    only(
      'the-policy-knows-no-station',
      '^src/station/policy/',
      '^src/(time|log)\\.ts$',
      '^src/station/(nearest|local-file|yaml-file|yaml-rest)\\.ts$',
      '^src/station/(calendar|core)/',
      '^src/station/messages/templates\\.ts$',
    ),
    only(
      'words-know-core-types',
      '^src/station/messages/',
      '^src/time\\.ts$',
      '^src/station/(nearest|local-file|yaml-file)\\.ts$',
      '^src/station/core/',
    ),
    {
      name: 'a-running-station-rehearses-nothing',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(control|station/rehearsal)/' },
      to: { path: '^src/station/rehearsal/' },
    },
    {
      name: 'channels-never-see-the-store',
      severity: 'error',
      from: { path: '^src/station/channels/' },
      to: { path: '^src/station/', pathNot: ['^src/station/(channels|core)/', '^src/station/address\\.ts$'] },
    },
    {
      name: 'sql-only-in-the-store',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/station/store/' },
      to: { path: 'better-sqlite3' },
    },
    {
      name: 'the-station-knows-the-web-only-where-it-starts-it',
      severity: 'error',
      from: { path: '^src/station/', pathNot: '^src/station/(web-thread|main)\\.ts$' },
      to: { path: '^src/(web|control)/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: 'src/wire/generated' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.js'] },
  },
};
