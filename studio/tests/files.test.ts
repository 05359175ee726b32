import { expect, it } from "vitest";
import { resultName, sliceDistance } from "../src/segment/files";

it.each([
  ["sub-01_T2starw.nii.gz", "sub-01_T2starw"],
  ["SCAN.NII", "SCAN"],
  ["scan.hdr", "scan"],
  ["scan.img.gz", "scan"],
  ["scan.img", "scan"],
  ["dicom.zip", "dicom"],
  ["IM0001.dcm", "IM0001"],
  ["IM0001.IMA", "IM0001"],
  ["scan.zip.nii", "scan.zip"],
  ["series", "series"],
  [".nii.gz", ".nii.gz"],
  [".zip", ".zip"],
])("results of %s are called %s, as in Python", (name, expected) => {
  expect(resultName(name)).toBe(expected);
});

it("tells the distance between the planes of slices that are shifted", () => {
  const affine = [
    [0.25, 0, 0, 0],
    [0, 0.25, 1.5, 0],
    [0, 0, 3, 0],
  ];
  expect(sliceDistance({ affine, pixelArea: 0.0625 })).toBeCloseTo(3, 9);
});
