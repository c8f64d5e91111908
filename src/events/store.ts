/** What the events domain keeps, and the interface of whatever keeps it. Each method is one whole transaction. */

/** Something that happened. Whatever makes it happen writes it down in the same transaction. */
export interface EventRow {
  /** In the order in which they became true; the next one's is higher. */
  readonly id: number;
  readonly atMs: number;
  /** Such as `pdb.uploaded`. */
  readonly type: string;
  /** JSON: an object. */
  readonly data: string;
}

export interface EventPage {
  /** Oldest first. */
  readonly rows: readonly EventRow[];
  /** The oldest that is kept; null when there is none. */
  readonly oldestId: number | null;
  /** The newest; 0 when there is none. */
  readonly newestId: number;
}

export interface EventStore {
  /** The events that came after the one with this ID, up to `limit`. */
  after(id: number, limit: number): Promise<EventPage>;
  /** Forgets all but the newest `count` events, once there are a tenth more. Gives how many went. */
  keepNewest(count: number): Promise<number>;
  /** Calls `listener` after each transaction of this process that may have brought events. Gives what ends that. */
  onWritten(listener: () => void): () => void;
}
