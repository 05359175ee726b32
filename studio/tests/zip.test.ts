import { unzipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { oneImage } from "../src/engine/zip";

const file = (name: string, text: string) => new File([text], name);

describe("what was dropped", () => {
  it("is one image as it is", async () => {
    const only = file("a.nii.gz", "x");
    expect(await oneImage([only, file(".DS_Store", "")])).toBe(only);
  });

  it("is a DICOM series in one ZIP, all files of it, also those of one name", async () => {
    const zip = await oneImage([file("IM1", "first"), file("IM1", "second")]);
    const found = Object.values(unzipSync(new Uint8Array(await zip.arrayBuffer())));
    expect(zip.name).toBe("dicom.zip");
    expect(found.map((one) => new TextDecoder().decode(one))).toEqual(["first", "second"]);
  });

  it("is refused where it is several images, or nothing", async () => {
    await expect(oneImage([file("a.nii", "x"), file("b.nii", "y")])).rejects.toThrow("one at a time");
    await expect(oneImage([])).rejects.toThrow("no file");
  });
});
