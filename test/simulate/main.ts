/**
 * `npm run simulate [-- --seed N --years Y --sources S --plant NAME]`: years of
 * a station's life in minutes, judged against a naive model. Exits with 0 where
 * both agree, with 1 where they do not, with 64 where it was asked wrongly.
 */
import { parseArgs } from 'node:util';
import { plants } from './faults.ts';
import { report, simulate } from './simulation.ts';

const usage = `npm run simulate -- [--seed N] [--years Y] [--sources S] [--plant NAME]
  --seed N      the same seed gives the same run (1)
  --years Y     how long, such as 0.1 (1)
  --sources S   how many sources send (50)
  --plant NAME  plants a fault, to prove that it is found; --plant list shows them
`;
/** A shorter timeline is looked for so long, in milliseconds. */
const shrinkFor = 120_000;
const yearDays = 365;

type Asked = {
  readonly seed: number;
  readonly years: number;
  readonly sources: number;
  readonly plant?: string;
};

function asked(): Asked | string {
  try {
    const { values } = parseArgs({
      options: {
        seed: { type: 'string', default: '1' },
        years: { type: 'string', default: '1' },
        sources: { type: 'string', default: '50' },
        plant: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) return usage;
    const { plant } = values;
    const [seed, years, sources] = [values.seed, values.years, values.sources].map(Number);
    if (seed === undefined || !Number.isSafeInteger(seed) || seed < 0) return 'a seed is a whole number\n';
    if (years === undefined || !(years > 0 && years <= 20)) return 'years are a number up to 20\n';
    if (sources === undefined || !Number.isSafeInteger(sources) || sources < 1 || sources > 1000)
      return 'sources are a number up to 1000\n';
    if (plant === undefined) return { seed, years, sources };
    if (plant !== 'list' && !Object.hasOwn(plants, plant))
      return `no fault is called ${plant}; there are: ${Object.keys(plants).join(', ')}\n`;
    return { seed, years, sources, plant };
  } catch (error) {
    return `${error instanceof Error ? error.message : String(error)}\n${usage}`;
  }
}

async function main(): Promise<number> {
  const wanted = asked();
  if (typeof wanted === 'string') {
    const help = wanted === usage;
    (help ? process.stdout : process.stderr).write(wanted);
    return help ? 0 : 64;
  }
  const { seed, years, sources, plant } = wanted;
  if (plant === 'list') {
    for (const [name, fault] of Object.entries(plants)) process.stdout.write(`${name}: ${fault().about}\n`);
    return 0;
  }
  const simulated = await simulate({
    seed,
    sources,
    days: years * yearDays,
    shrinkFor,
    ...(plant !== undefined && { plant }),
    onDay: ({ at, events, messages }) => {
      if (new Date(at).getUTCDate() !== 1) return;
      const date = new Date(at).toISOString().slice(0, 10);
      process.stderr.write(
        `${date}  ${events} events, ${messages} messages, ${process.uptime().toFixed(0)} s\n`,
      );
    },
  });
  const { events, messages, disagreements } = simulated;
  if (disagreements.length > 0) {
    process.stdout.write(`seed ${seed} disagrees${plant === undefined ? '' : ` (planted: ${plant})`}\n`);
    for (const line of report(simulated)) process.stdout.write(`${line}\n`);
  }
  process.stdout.write(
    `simulate: seed ${seed}, ${years} years, ${events} events, ${messages} messages, ${disagreements.length} disagreements\n`,
  );
  return disagreements.length === 0 ? 0 : 1;
}

process.exitCode = await main();
