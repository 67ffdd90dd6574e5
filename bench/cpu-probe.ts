/*
 * Loaded into a process that a benchmark starts (`--import`): says, whenever it is
 * asked, how much CPU time the main thread has used, in microseconds. Only that
 * thread's time bounds what one process can relay, and other load hardly changes it.
 */
process.on('message', () => {
  const { user, system } = process.threadCpuUsage();
  process.send?.(user + system);
});
process.channel?.unref();
