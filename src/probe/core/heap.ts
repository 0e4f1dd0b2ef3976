/**
 * What is due first: a binary heap whose items know their place in it, so that
 * one can be moved or taken out without a search.
 */
import type { Instant } from '../../time.ts';

export type HeapItem = {
  due: Instant;
  /** Its place in the heap; -1 while it is in none. */
  place: number;
};

export type Heap<T extends HeapItem> = T[];

/** The item that is due first. */
export const first = <T extends HeapItem>(heap: Heap<T>): T | null => heap[0] ?? null;

export function put<T extends HeapItem>(heap: Heap<T>, item: T, due: Instant): void {
  item.due = due;
  if (item.place >= 0) {
    settle(heap, item);
    return;
  }
  item.place = heap.length;
  heap.push(item);
  rise(heap, item);
}

export function takeOut<T extends HeapItem>(heap: Heap<T>, item: T): void {
  const { place } = item;
  if (place < 0) return;
  item.place = -1;
  const last = heap.pop();
  if (last === undefined || last === item) return;
  heap[place] = last;
  last.place = place;
  settle(heap, last);
}

function settle<T extends HeapItem>(heap: Heap<T>, item: T): void {
  rise(heap, item);
  sink(heap, item);
}

function rise<T extends HeapItem>(heap: Heap<T>, item: T): void {
  while (item.place > 0) {
    const above = heap[(item.place - 1) >> 1];
    if (above === undefined || above.due <= item.due) return;
    swap(heap, item, above);
  }
}

function sink<T extends HeapItem>(heap: Heap<T>, item: T): void {
  for (;;) {
    const left = heap[2 * item.place + 1];
    const right = heap[2 * item.place + 2];
    if (left === undefined) return;
    const below = right !== undefined && right.due < left.due ? right : left;
    if (below.due >= item.due) return;
    swap(heap, item, below);
  }
}

function swap<T extends HeapItem>(heap: Heap<T>, a: T, b: T): void {
  const { place } = a;
  a.place = b.place;
  b.place = place;
  heap[a.place] = a;
  heap[b.place] = b;
}
