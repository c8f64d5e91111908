/** Names of time zones, as settings and schedules take them. */

/** Whether this runtime knows a zone of this name: `Europe/Berlin`, `UTC`. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
