/** Each fault of the laboratory, and each harmless thing, watched by the real probe, over IPv4 and IPv6. */
import { after, before, describe, it } from 'node:test';
import { Lab } from '../lab/lab.ts';
import { harmless, live, liveQuietly, scenarios } from '../lab/scenarios.ts';

let lab: Lab;
before(() => {
  lab = new Lab(2);
});
after(() => lab?.close());

describe('on the laboratory, within two rounds', () => {
  for (const [name, scenario] of Object.entries(scenarios)) {
    it(`${name} is ${Object.keys(scenario.said).join(' and ')}, at its hop, and is over when it is over`, async () => {
      await live(lab, scenario);
    });
  }
});

describe('on the laboratory, for a minute of rounds a second apart', () => {
  for (const [name, happening] of Object.entries(harmless)) {
    it(`${name} raises nothing`, async () => {
      await liveQuietly(lab, happening, 60);
    });
  }
});
