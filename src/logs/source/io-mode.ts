/** How log files are read, as replies name it. */

/** Node.js has no memory-mapped files; reading in blocks through the page cache is as fast. */
export const IO_MODE = 'buffered';
