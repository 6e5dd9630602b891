import { randomBytes } from 'node:crypto';

export interface SimulatedItem {
  readonly id: string;
  /** As it was created: OneDrive keeps the case and does not tell it apart. */
  readonly name: string;
  readonly modifiedAt: Date;
  /** Undefined: a folder. */
  readonly bytes: Buffer | undefined;
}

export interface SimulatedSession {
  readonly id: string;
  readonly drive: string;
  readonly path: string;
  totalBytes: number | undefined;
  received: Buffer[];
  receivedBytes: number;
}

/** What OneDrive takes as the name of a file or folder. */
export function isGoodName(name: string): boolean {
  if (name === '' || name.length > 255 || /["*:<>?/\\|]/.test(name)) return false;
  if (/^\s|[\s.]$|^~\$|_vti_/i.test(name)) return false;
  return !/^(?:\.lock|con|prn|aux|nul|com\d|lpt\d|desktop\.ini)$/i.test(name);
}

/** The files and folders of one drive, by path, whatever its case. */
export class SimulatedDrive {
  private readonly items = new Map<string, SimulatedItem>();

  get(path: string): SimulatedItem | undefined {
    return this.items.get(path.toLowerCase());
  }

  put(path: string, bytes: Buffer | undefined): SimulatedItem {
    const id = randomBytes(10).toString('hex').toUpperCase();
    const item = { id, name: nameOf(path), modifiedAt: new Date(), bytes };
    this.items.set(path.toLowerCase(), item);
    return item;
  }

  /** Ids of deleted files that can be brought back. */
  readonly recycled: string[] = [];

  /** With all below it. Files go to the recycle bin. */
  delete(path: string): boolean {
    const { id } = this.get(path) ?? {};
    if (id !== undefined) this.recycled.push(id);
    return this.deleteForGood(path);
  }

  deleteForGood(path: string): boolean {
    const prefix = `${path.toLowerCase()}/`;
    for (const other of this.items.keys()) if (other.startsWith(prefix)) this.items.delete(other);
    return this.items.delete(path.toLowerCase());
  }

  hasParents(path: string): boolean {
    return foldersOf(path).every((folder) => this.get(folder)?.bytes === undefined && this.get(folder) !== undefined);
  }

  makeParents(path: string): void {
    for (const folder of foldersOf(path)) if (this.get(folder) === undefined) this.put(folder, undefined);
  }

  children(path: string): SimulatedItem[] {
    const prefix = path === '' ? '' : `${path.toLowerCase()}/`;
    return [...this.items]
      .filter(([other]) => other.startsWith(prefix) && !other.slice(prefix.length).includes('/'))
      .map(([, item]) => item);
  }

  /** Paths in lower case. */
  files(): string[] {
    return [...this.items].filter(([, { bytes }]) => bytes !== undefined).map(([path]) => path);
  }

  byId(id: string): SimulatedItem | undefined {
    return [...this.items.values()].find((item) => item.id === id);
  }

  pathOf(id: string): string | undefined {
    return [...this.items].find(([, item]) => item.id === id)?.[0];
  }
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function foldersOf(path: string): string[] {
  const names = path.split('/').slice(0, -1);
  return names.map((_, index) => names.slice(0, index + 1).join('/'));
}
