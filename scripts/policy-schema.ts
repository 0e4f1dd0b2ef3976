/**
 * Writes policies/policy.schema.json, which editors use to check and complete
 * a policy while it is written. Made from the shape that the station itself
 * checks with, so that the two cannot differ; a test fails where it is stale.
 */
import { writeFileSync } from 'node:fs';
import { policyJsonSchema } from '../src/station/policy/schema.ts';

writeFileSync(new URL('../policies/policy.schema.json', import.meta.url), policyJsonSchema());
