/** What the work comes to, or a rejection that says `tooLong` when it takes longer. The work goes on. */
export async function within<T>(ms: number, work: Promise<T>, tooLong: string): Promise<T> {
  const { promise: overdue, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`${tooLong} ${ms / 1_000} s`)), ms);
  try {
    return await Promise.race([work, overdue]);
  } finally {
    clearTimeout(timer);
  }
}
