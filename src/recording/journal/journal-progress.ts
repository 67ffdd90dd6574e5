/** Slots of the shared memory; positions are byte offsets since the journal began. */
const FLUSHED = 0;
const FLUSHED_RECORDS = 1;
const COMMITTED = 2;
const COMMITTED_RECORDS = 3;
const DELETED_BELOW = 4;
const WAITING_SINCE = 5;
const ROOM_WANTED = 6;
const ELSEWHERE = 7;
const SLOTS = 8;

/**
 * How far the journal has been written and how far the database has it, shared
 * between the process's main thread and its writer thread without messages: the
 * request path pays one atomic store per group commit.
 */
export class JournalProgress {
  readonly #slots: BigInt64Array<SharedArrayBuffer>;

  constructor(memory = new SharedArrayBuffer(SLOTS * BigInt64Array.BYTES_PER_ELEMENT)) {
    this.#slots = new BigInt64Array(memory);
  }

  get memory(): SharedArrayBuffer {
    return this.#slots.buffer;
  }

  get flushedPosition(): number {
    return this.#read(FLUSHED);
  }

  get committedPosition(): number {
    return this.#read(COMMITTED);
  }

  get deletedBelow(): number {
    return this.#read(DELETED_BELOW);
  }

  get lagRecords(): number {
    if (this.#isCaughtUp) return 0;
    return Math.max(1, this.#read(FLUSHED_RECORDS) - this.#read(COMMITTED_RECORDS));
  }

  /** How long records have been waiting with none of them reaching the database. */
  lagMs(nowMs: number): number {
    return this.lagRecords > 0 ? Math.max(0, nowMs - this.#read(WAITING_SINCE)) : 0;
  }

  flushed(position: number, records: number, nowMs: number): void {
    if (this.#isCaughtUp) {
      Atomics.store(this.#slots, WAITING_SINCE, BigInt(nowMs));
      // Of what is damaged or missing nobody knows how many records it was: count anew.
      Atomics.store(this.#slots, FLUSHED_RECORDS, Atomics.load(this.#slots, COMMITTED_RECORDS));
    }
    Atomics.add(this.#slots, FLUSHED_RECORDS, BigInt(records));
    this.#publish(FLUSHED, position);
  }

  committed(position: number, records: number, nowMs: number): void {
    Atomics.add(this.#slots, COMMITTED_RECORDS, BigInt(records));
    Atomics.store(this.#slots, WAITING_SINCE, BigInt(nowMs));
    this.#publish(COMMITTED, position);
  }

  /** The database came back without what it had: no more than up to here, which is so many records less. */
  fellBack(position: number, records: number, nowMs: number): void {
    Atomics.sub(this.#slots, COMMITTED_RECORDS, BigInt(records));
    Atomics.store(this.#slots, WAITING_SINCE, BigInt(nowMs));
    this.#publish(COMMITTED, position);
  }

  /** The disk refuses what is to be written: whatever is only kept is in the way. */
  wantRoom(): void {
    Atomics.store(this.#slots, ROOM_WANTED, 1n);
  }

  takeRoomWanted(): boolean {
    return Atomics.exchange(this.#slots, ROOM_WANTED, 0n) === 1n;
  }

  /** How much others take of the room that the journal has. */
  get bytesElsewhere(): number {
    return this.#read(ELSEWHERE);
  }

  takenElsewhere(bytes: number): void {
    Atomics.store(this.#slots, ELSEWHERE, BigInt(bytes));
  }

  deleted(below: number): void {
    Atomics.store(this.#slots, DELETED_BELOW, BigInt(below));
  }

  /** Resolves when more than `position` is flushed, or after `timeoutMs`. */
  async flushedBeyond(position: number, timeoutMs: number): Promise<void> {
    await this.#beyond(FLUSHED, position, timeoutMs);
  }

  async committedBeyond(position: number, timeoutMs: number): Promise<void> {
    await this.#beyond(COMMITTED, position, timeoutMs);
  }

  get #isCaughtUp(): boolean {
    return this.#read(COMMITTED) >= this.#read(FLUSHED);
  }

  async #beyond(slot: number, position: number, timeoutMs: number): Promise<void> {
    const seen = Atomics.load(this.#slots, slot);
    if (Number(seen) > position) return;
    await Atomics.waitAsync(this.#slots, slot, seen, timeoutMs).value;
  }

  #publish(slot: number, position: number): void {
    Atomics.store(this.#slots, slot, BigInt(position));
    Atomics.notify(this.#slots, slot);
  }

  #read(slot: number): number {
    return Number(Atomics.load(this.#slots, slot));
  }
}
