/** IANA zones: wall clock to UTC and back, by the tables that Intl has, cached as each look costs microseconds. */
import { DAY_MS } from './civil.ts';

/** A zone's clock. */
export interface ZoneClock {
  readonly name: string;
  /**
   * Milliseconds since 1970 UTC for a wall clock given as milliseconds since 1970 as if in UTC. An hour that comes
   * twice is the earlier one; one that is skipped is shifted forward.
   */
  toUtc(wallMs: number): number;
  /** Milliseconds that the wall clock is ahead of UTC at an instant. */
  offsetAt(epochMs: number): number;
}

/** Offsets change at quarters of an hour. */
const SLOT_MS = 900_000;
const SLOTS_MAX = 20_000;
const NAME_CHARS_MAX = 64;
const NAME = /^[A-Za-z][A-Za-z0-9_+/-]*$/;
/** Dates beyond which Intl throws; what a log may say stays far within. */
const INSTANT_MAX = 8.64e15;

/** Lines may name zones, and Intl takes long to say whether it knows one. */
const knownNames = new Map<string, boolean>();
const NAMES_MAX = 256;

/** Whether a text names a zone that this runtime knows ("Asia/Shanghai", "UTC"). */
export function isTimeZone(name: string): boolean {
  if (name.length > NAME_CHARS_MAX || !NAME.test(name)) return false;
  let isKnown = knownNames.get(name);
  if (isKnown === undefined) {
    isKnown = isKnownToIntl(name);
    if (knownNames.size >= NAMES_MAX) knownNames.clear();
    knownNames.set(name, isKnown);
  }
  return isKnown;
}

function isKnownToIntl(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** Making a clock costs as much as reading a hundred stamps; few zones are in use at a time. */
const clocks = new Map<string, ZoneClock>();
const CLOCKS_MAX = 32;

/** The clock of a zone; one that the runtime does not know is taken as UTC. */
export function zoneClock(name: string): ZoneClock {
  let clock = clocks.get(name);
  if (clock === undefined) {
    clock = createClock(name);
    if (clocks.size >= CLOCKS_MAX) clocks.clear();
    clocks.set(name, clock);
  }
  return clock;
}

function createClock(name: string): ZoneClock {
  if (/^(Etc\/)?(UTC|GMT|UCT|Zulu)$/i.test(name) || !isTimeZone(name)) {
    return { name: 'UTC', toUtc: (wallMs) => wallMs, offsetAt: () => 0 };
  }
  const offsetAt = createOffsets(name);
  const slots = new Map<number, number>();
  let lastSlot = Number.NaN;
  let lastOffsetMs = 0;
  function toUtc(wallMs: number): number {
    const slot = Math.floor(wallMs / SLOT_MS);
    if (slot !== lastSlot) {
      let offsetMs = slots.get(slot);
      if (offsetMs === undefined) {
        offsetMs = wallOffset(offsetAt, slot * SLOT_MS);
        if (slots.size >= SLOTS_MAX) slots.clear();
        slots.set(slot, offsetMs);
      }
      lastSlot = slot;
      lastOffsetMs = offsetMs;
    }
    return wallMs - lastOffsetMs;
  }
  return { name, toUtc, offsetAt };
}

/** The offset by which a wall clock becomes UTC, from the offsets of the day before and the day after. */
function wallOffset(offsetAt: (epochMs: number) => number, wallMs: number): number {
  const before = offsetAt(wallMs - DAY_MS);
  const after = offsetAt(wallMs + DAY_MS);
  if (before === after) return before;
  // The greater offset gives the earlier instant.
  for (const offsetMs of before > after ? [before, after] : [after, before]) {
    if (offsetAt(wallMs - offsetMs) === offsetMs) return offsetMs;
  }
  return before;
}

function createOffsets(name: string): (epochMs: number) => number {
  const format = new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' });
  const slots = new Map<number, number>();
  return (epochMs) => {
    const slot = Math.floor(epochMs / SLOT_MS);
    const known = slots.get(slot);
    if (known !== undefined) return known;
    const instant = slot * SLOT_MS;
    const text = Math.abs(instant) > INSTANT_MAX ? '' : format.format(instant);
    const parts = /GMT([+-])(\d{2}):(\d{2})(?::(\d{2}))?$/.exec(text);
    let offsetMs = 0;
    if (parts !== null) {
      const seconds = Number(parts[2]) * 3600 + Number(parts[3]) * 60 + Number(parts[4] ?? 0);
      offsetMs = (parts[1] === '-' ? -1000 : 1000) * seconds;
    }
    if (slots.size >= SLOTS_MAX) slots.clear();
    slots.set(slot, offsetMs);
    return offsetMs;
  };
}
