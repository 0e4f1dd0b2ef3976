/** The clock of tests is the one of rehearsals. */
export { SimulatedClock, settled } from '../../src/station/rehearsal/simulated-clock.ts';
