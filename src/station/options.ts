/**
 * The command line of `mauveserver`: which options there are, what their help
 * says, and what was asked for. It only sorts words; what the values mean is
 * config.ts's business.
 */
import { parseArgs } from 'node:util';
import { didYouMean } from './nearest.ts';

export type Options = {
  readonly config: string | null;
  readonly data: string | null;
  readonly policy: string | null;
  readonly udp: string | null;
  readonly web: string | null;
  readonly welcome: boolean;
  readonly check: boolean;
};

export type Asked =
  | { readonly kind: 'options'; readonly options: Options }
  | { readonly kind: 'say'; readonly text: string }
  | { readonly kind: 'usage'; readonly fault: string };

const known = {
  config: { type: 'string' },
  data: { type: 'string' },
  policy: { type: 'string' },
  udp: { type: 'string' },
  web: { type: 'string' },
  welcome: { type: 'boolean' },
  check: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
} as const;

const longNames: readonly string[] = Object.keys(known).map((name) => `--${name}`);

export function parseOptions(argv: readonly string[], version: string): Asked {
  const { values, tokens } = parseArgs({
    args: [...argv],
    options: known,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  for (const token of tokens) {
    if (token.kind === 'positional')
      return usage(`nothing is expected after the options, but got "${token.value}"`);
    if (token.kind !== 'option') continue;
    const option = Object.entries(known).find(([name]) => name === token.name)?.[1];
    if (option === undefined) {
      return usage(`unknown option ${token.rawName}${didYouMean(token.rawName, longNames, null)}`);
    }
    if (option.type === 'boolean' && token.value !== undefined)
      return usage(`${token.rawName} takes no value`);
    const absent = token.value === undefined || token.value === '';
    if (option.type === 'string' && (absent || (!token.inlineValue && token.value?.startsWith('-')))) {
      return usage(`${token.rawName} needs a value`);
    }
  }
  if (values.help === true) return { kind: 'say', text: help };
  if (values.version === true) return { kind: 'say', text: `mauveserver ${version}\n` };
  const text = (value: string | boolean | undefined): string | null =>
    typeof value === 'string' ? value : null;
  return {
    kind: 'options',
    options: {
      config: text(values.config),
      data: text(values.data),
      policy: text(values.policy),
      udp: text(values.udp),
      web: text(values.web),
      welcome: values.welcome === true,
      check: values.check === true,
    },
  };
}

const usage = (fault: string): Asked => ({ kind: 'usage', fault: `${fault}; see mauveserver --help` });

const help = `mauveserver: the alert station. Takes alerts in, tells the people whom the policy names.

Examples
  mauveserver                                    try it: data in ./data, page at 127.0.0.1:1288
  mauveserver --welcome                          the same, with a link that logs you in
  mauveserver --config /etc/mauve/station.yaml   run it with a station file
  mauveserver --config station.yaml --check      are the station file and the policy right?
  mauveserver --data /var/lib/mauve --policy policy.yaml --udp :32741    without a station file

Options              environment    station file
  --config FILE      MAUVE_CONFIG                the station file
  --data DIR         MAUVE_DATA     data         the folder of the database  [./data]
  --policy FILE      MAUVE_POLICY   policy       who is told what, when      [policies/default.yaml]
  --udp HOST:PORT    MAUVE_UDP      udp          where alerts come in        [[::]:32741]
  --web HOST:PORT    MAUVE_WEB      web          where the page is           [127.0.0.1:1288]
  --welcome                         if nobody can log in yet, print a link that does, once
  --check                           check the files, say what is wrong, and end
  -h, --help                        this text
  --version                         the version

Options count more than the environment, the environment more than the station file.
Signals: HUP reads the policy again; TERM and INT end the station in good order.
Exit codes: 0 good, 64 wrong options, 78 something is wrong in the station file or the policy.
`;
