/** Files that were dropped or chosen: one image, or a DICOM series packed into one file. */
import { Zip, ZipPassThrough } from "fflate";
import { UserError } from "../types";

const NIFTI = /\.nii(\.gz)?$/i;
const MOST_FILES = 20_000;

/** One image out of what was dropped; several files are taken as DICOM. */
export async function oneImage(files: File[]): Promise<File> {
  const shown = files.filter((file) => !file.name.startsWith("."));
  if (shown.length === 0) throw new UserError("there is no file in it; drop an image");
  if (shown.length === 1) return shown[0]!;
  if (shown.some((file) => NIFTI.test(file.name)))
    throw new UserError("these are several images; drop one at a time, or open their folder with 'scgm serve FOLDER'");
  if (shown.length > MOST_FILES)
    throw new UserError(`these are ${shown.length} files; drop the folder of one examination`);
  return new File([await packed(shown)], "dicom.zip", { type: "application/zip" });
}

/** Join files into one ZIP, numbered: their names are not needed. */
async function packed(files: File[]): Promise<Blob> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const zip = new Zip((error, part) => {
    if (error) throw error;
    parts.push(part as Uint8Array<ArrayBuffer>);
  });
  for (const [i, file] of files.entries()) {
    const entry = new ZipPassThrough(String(i).padStart(5, "0"));
    zip.add(entry);
    entry.push(new Uint8Array(await file.arrayBuffer()), true);
  }
  zip.end();
  return new Blob(parts);
}

/** All files of a drop; those of folders in it, too. */
export async function dropped(data: DataTransfer): Promise<File[]> {
  const entries = [...data.items].map((item) => item.webkitGetAsEntry());
  // Only until here is the list of items alive.
  const files = [...data.files];
  if (!entries.some((entry) => entry?.isDirectory)) return files;
  return (await Promise.all(entries.map((entry) => (entry === null ? [] : below(entry))))).flat();
}

async function below(entry: FileSystemEntry): Promise<File[]> {
  if (entry.isFile)
    return [await new Promise<File>((got, failed) => (entry as FileSystemFileEntry).file(got, failed))];
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((got, failed) => reader.readEntries(got, failed));
    if (some.length === 0) break; // they come a hundred at a time
    found.push(...some);
  }
  return (await Promise.all(found.map(below))).flat();
}
