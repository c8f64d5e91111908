/** A process that publishes a blob, says under which key, and stays in the middle of it until it is ended. */
import { openFileBlobs } from '../../src/backends/fs/blobs.ts';

const [root = '', text = ''] = process.argv.slice(2);

async function* bytes(): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

const store = openFileBlobs(root, 3_600_000);
const blob = await store.stage(bytes(), { inspect: () => {}, signal: new AbortController().signal });
console.log(await blob.publish('minidumps/1.0/a_1/held.dmp'));
setInterval(() => {}, 1000);
