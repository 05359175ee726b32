/** The bytes of a file, unpacked where they are gzip, and never more than can be held. */
import { UserError } from "../types";

/** What a page can hold and draw. */
export const MOST_BYTES = 1 << 30;

export async function content(file: File): Promise<Uint8Array<ArrayBuffer>> {
  if (file.size > MOST_BYTES) throw tooLarge();
  const start = new Uint8Array(await file.slice(0, 2).arrayBuffer());
  if (start[0] !== 0x1f || start[1] !== 0x8b) return new Uint8Array(await file.arrayBuffer());
  return unpacked(file);
}

async function unpacked(file: File): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  const reader = file.stream().pipeThrough(new DecompressionStream("gzip")).getReader();
  try {
    for (let got = await reader.read(); !got.done; got = await reader.read()) {
      size += got.value.length;
      if (size > MOST_BYTES) throw tooLarge();
      pieces.push(got.value);
    }
  } catch (error) {
    await reader.cancel().catch(() => undefined);
    if (error instanceof UserError) throw error;
    throw new UserError(
      "it is damaged or cut short (unpacking it with gzip fails); copy or download it again",
    );
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

const tooLarge = () => new UserError("it is too large for a page; crop it, or use 'scgm segment'");
