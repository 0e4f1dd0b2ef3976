/** Names of hosts, as they are compared everywhere. */

/** A host's name as DNS compares it: without case, and without the dot that may end it. */
export function foldHost(text: string): string {
  return (text.endsWith('.') ? text.slice(0, -1) : text).toLowerCase();
}
