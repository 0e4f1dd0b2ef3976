/**
 * Reading a policy's folder of templates into memory: a folder for each
 * channel, and one for the pieces that they share. A file that means nothing is
 * a fault, for whoever wrote it believes that it counts; hidden files, what
 * editors leave behind and a README are passed over.
 */
import { join } from 'node:path';
import type { ListFolder, ReadFile } from '../local-file.ts';
import type { FileFault, FilePlace } from '../yaml-file.ts';
import { checkTemplates } from './check.ts';
import { templateMax } from './engine.ts';
import { folderFault, parseTemplateName } from './names.ts';

export const templateFilesMax = 200;

export type TemplatesLoaded = {
  /** By name, as `sms/raised.text.liquid`; of no use where there are faults. */
  readonly texts: ReadonlyMap<string, string>;
  readonly faults: readonly FileFault[];
};

export type TemplatesFolder = {
  readonly path: string;
  /** As the person who wrote its name knows it. */
  readonly shown: string;
  /** Where it is named. */
  readonly at: FilePlace;
};

type Disk = { readonly read: ReadFile; readonly list: ListFolder };
type Reading = { readonly texts: Map<string, string>; readonly faults: FileFault[] };

export function loadTemplates(folder: TemplatesFolder, disk: Disk): TemplatesLoaded {
  const { path, shown, at } = folder;
  const { file, line, column } = at;
  const listed = disk.list(path);
  if (!listed.ok) {
    const message = `the templates in ${shown} cannot be read: ${listed.why}`;
    return { texts: new Map(), faults: [{ file, line, column, message }] };
  }
  const reading: Reading = { texts: new Map(), faults: [] };
  for (const name of listed.names.filter(counts).sort()) readFolder(folder, name, disk, reading);
  const { texts, faults } = reading;
  if (texts.size > templateFilesMax) {
    const message = `at most ${templateFilesMax} templates are expected in ${shown}`;
    return { texts, faults: [...faults, { file, line, column, message }] };
  }
  const wrong = checkTemplates(texts).map((fault) => ({ ...fault, file: join(shown, fault.file) }));
  return { texts, faults: [...faults, ...wrong] };
}

const counts = (name: string): boolean => !name.startsWith('.') && !/~$|^#.*#$|^readme/i.test(name);

/** The templates of a channel, or the pieces that templates share. */
function readFolder({ path, shown }: TemplatesFolder, channel: string, disk: Disk, reading: Reading): void {
  const fault = (name: string, message: string): void => {
    reading.faults.push({ file: join(shown, name), line: 1, column: 1, message });
  };
  const files = disk.list(join(path, channel));
  const why = files.ok ? folderFault(channel) : `the folder of a channel is expected here (${files.why})`;
  if (!files.ok || why !== null) {
    fault(channel, why ?? '');
    return;
  }
  for (const file of files.names.filter(counts).sort()) {
    const name = `${channel}/${file}`;
    const parsed = parseTemplateName(name);
    if (parsed.kind === 'unknown') fault(name, parsed.why);
    // Beyond the limit, one more is enough to know it.
    else if (reading.texts.size <= templateFilesMax)
      readTemplate(name, join(path, name), disk, reading, fault);
  }
}

function readTemplate(
  name: string,
  path: string,
  disk: Disk,
  { texts }: Reading,
  fault: (name: string, message: string) => void,
): void {
  const read = disk.read(path);
  if (!read.ok) fault(name, `the template cannot be read: ${read.why}`);
  else if (read.text.length > templateMax) fault(name, `at most ${templateMax} characters are expected`);
  else if (read.text.includes('\ufffd')) fault(name, 'UTF-8 text is expected');
  else texts.set(name, read.text);
}
