/** What is added up of interceptions, by the names of its columns: in totals and in what is not in them yet. */
export const USAGE_SUMS = [
  'interceptions',
  'completed',
  'failed',
  'aborted',
  'interrupted',
  'failed_over',
  'attempts',
  'input_tokens',
  'output_tokens',
  'cache_read_tokens',
  'cache_write_tokens',
  'duration_ms',
];
