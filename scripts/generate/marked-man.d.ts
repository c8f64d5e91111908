/** marked-man has no types of its own: it is an extension of marked with a few settings. */
declare module 'marked-man' {
  import type { MarkedExtension } from 'marked';

  const extension: MarkedExtension & { manVersion: string; date: string; manual: string };
  export default extension;
}
