// The page starts.

loadVerdicts();
startList();
startKeys();
byId("export").addEventListener("click", exportVerdicts);
byId("import").addEventListener("change", async (event) => {
  const [file] = event.target.files;
  if (!file) return;
  say(importVerdicts(await file.text()));
  event.target.value = "";
  IMAGES.forEach(refreshRow);
  showList();
  showVerdict();
});
let resizing = 0;
window.addEventListener("resize", () => {
  clearTimeout(resizing);
  resizing = setTimeout(() => { redraw(); showPlot(); }, 150);
});
choose(IMAGES.indexOf(listed()[0]));
performance.mark("ready");
