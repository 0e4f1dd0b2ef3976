/** Where the station's threads begin: beside this file's bundle, or in the sources when they run as they are. */
const built = !import.meta.url.endsWith('.ts');

export const intakeEntry = new URL(built ? './intake-worker.mjs' : './intake-worker.ts', import.meta.url);
export const webEntry = new URL(built ? './web-worker.mjs' : '../web/worker.ts', import.meta.url);
/** The project's own folder: one above dist, two above src/station. */
export const projectFolder = new URL(built ? '..' : '../..', import.meta.url);
