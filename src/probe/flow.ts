/** The flow of a target: always the same, so that routers that share load by flow show one path. */
import { hashOf } from './core/chance.ts';
import type { Address } from './core/record.ts';

export const flowsMax = 0x4000;

/** A number from 0 to `flowsMax` - 1 that depends on the address alone: another start of the probe traces the same path. */
export const flowOf = (address: Address): number => hashOf(address) % flowsMax;
