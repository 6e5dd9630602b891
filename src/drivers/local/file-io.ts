import { close, fdatasync, fsync, open, write } from 'node:fs';

/**
 * Promises over plain descriptors. Each is one hop to the thread pool; `fs.promises` adds a `FileHandle` with its bookkeeping:
 * opening and closing takes one and a half times as long. Errors are the system's own.
 */
export function openFile(path: string, flags: number, mode?: number): Promise<number> {
  return new Promise((resolve, reject) => {
    open(path, flags, mode, (error, fd) => {
      if (error === null) resolve(fd);
      else reject(error);
    });
  });
}

/** Writes all of `bytes` at `position`. */
export function writeAll(fd: number, bytes: Uint8Array, position: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let done = 0;
    const next = (): void => {
      write(fd, bytes, done, bytes.byteLength - done, position + done, (error, writtenBytes) => {
        if (error !== null) {
          reject(error);
          return;
        }
        done += writtenBytes;
        if (done < bytes.byteLength) next();
        else resolve();
      });
    };
    next();
  });
}

/** Makes the bytes of a file durable, and its length with them. */
export function syncData(fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fdatasync(fd, (error) => {
      if (error === null) resolve();
      else reject(error);
    });
  });
}

/** Makes the names in a folder durable. */
export async function syncFolder(path: string, folderFlags: number): Promise<void> {
  const fd = await openFile(path, folderFlags);
  try {
    await new Promise<void>((resolve, reject) => {
      fsync(fd, (error) => {
        if (error === null) resolve();
        else reject(error);
      });
    });
  } finally {
    closeLater(fd);
  }
}

/** Closes without waiting. What close(2) could still report was reported by the sync before it, or does not matter. */
export function closeLater(fd: number): void {
  close(fd, () => undefined);
}
