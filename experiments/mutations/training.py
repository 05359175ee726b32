"""Faults in training."""

from experiments.mutations.fault import faults_in

TRAINING = (
    *faults_in(
        "training/data/checks.py",
        None,
        ("a subject may be in two splits", "if before != split:", "if False:"),
        (
            "the same image under two names",
            "if (root / file).is_file():",
            "if False:",
        ),
        (
            "a packed image and the unpacked one are two",
            "yield kind, sha256_of_unpacked(root / file), file",
            "yield kind, str(file), file",
        ),
        ("gray matter may lie outside of the cord", "if outside > 0.5:", "if False:"),
        ("an empty label is learned from", "not bool((values >= 0.5).any())", "False"),
    ),
    *faults_in(
        "training/data/phantoms.py",
        None,
        ("phantoms count as much as scans", "* share / (1 - share)", "* share"),
        ("more phantoms count more", "torch.full((count,), 1 / count)", "torch.ones(count)"),
    ),
    *faults_in(
        "training/engine/learner.py",
        "training/test_learner.py",
        ("without a limit, gradients become 0", "self.stage.clip or math.inf", "self.stage.clip"),
        (
            "the average follows slowly at first",
            "min(self.stage.average, (step + 1) / (step + 10))",
            "self.stage.average",
        ),
        (
            "the average follows quickly for ever",
            "min(self.stage.average, (step + 1) / (step + 10))",
            "max(self.stage.average, (step + 1) / (step + 10))",
        ),
    ),
    *faults_in(
        "training/engine/stages.py",
        "training/test_stages.py",
        (
            "the loss of the configuration does not count",
            '0.0 if stage.loss == "dice" else 5.0',
            "5.0",
        ),
    ),
    *faults_in(
        "training/engine/stages.py",
        "training/test_checkpoints.py",
        ("weights of the finder are not rounded", "        round_weights(finder)\n", ""),
        ("weights of the segmenter are not rounded", "        round_weights(segmenter)\n", ""),
    ),
    *faults_in(
        "training/engine/checkpoints.py",
        "training/test_learner.py",
        (
            "weights of linear layers are not rounded",
            "isinstance(layer, nn.Conv2d | nn.Linear)",
            "isinstance(layer, nn.Conv2d)",
        ),
        ("weights are not rounded", "layer.weight.half().float()", "layer.weight"),
    ),
    *faults_in(
        "training/engine/checkpoints.py",
        "training/test_checkpoints.py",
        (
            "weights that are no numbers are exported",
            "if values.is_floating_point() and not bool(values.isfinite().all()):",
            "if False:",
        ),
    ),
    *faults_in(
        "training/data/cache.py",
        "training/test_cache.py",
        (
            "the cache ignores the time of a file",
            "status.st_size, status.st_mtime_ns",
            "status.st_size",
        ),
        (
            "the cache ignores the size of a file",
            "status.st_size, status.st_mtime_ns",
            "status.st_mtime_ns",
        ),
    ),
    *faults_in(
        "training/data/materials.py",
        "training/test_cache.py",
        (
            "other seeds have the same phantoms",
            "drawn = (config.seed, config.phantom_scans)",
            "drawn = (config.phantom_scans,)",
        ),
    ),
    *faults_in(
        "training/data/examples.py",
        "training/test_examples.py",
        ("every slice of a source is cut", "[::every, 0]", "[:, 0]"),
        (
            "a slice in which nobody drew gray matter is learned as one without any",
            "knows_gm=drawn[kept],",
            "knows_gm=flag & (stack.gm is not None),",
        ),
        (
            "a slice is painted together with one in which nobody drew gray matter",
            "neighbor=start + _neighbors(drawn[kept]),",
            "neighbor=start + (torch.arange(count) + 1).clamp(max=count - 1),",
        ),
        (
            "a source of many slices counts more",
            "weight=torch.full((count,), stack.source.weight / count)",
            "weight=torch.full((count,), 1 / count)",
        ),
        (
            "a source whose weight is given counts as another",
            "stack.source.weight / len(kept)",
            "1 / len(kept)",
        ),
        ("the cord reaches 2 mm beyond gray matter", "GM_TO_CORD_MM = 2.5", "GM_TO_CORD_MM = 2.0"),
        ("the cord reaches 3 mm beyond gray matter", "GM_TO_CORD_MM = 2.5", "GM_TO_CORD_MM = 3.0"),
    ),
    *faults_in(
        "training/engine/compute.py",
        "training/test_running.py",
        (
            "mixed precision is full precision",
            'return Compute(device, precision == "bfloat16")',
            "return Compute(device, False)",
        ),
    ),
    *faults_in(
        "training/engine/run.py",
        "training/test_running.py",
        (
            "the precision of the configuration does not count",
            "compute=choose(us.device, config.precision)",
            'compute=choose(us.device, "float32")',
        ),
        (
            "a site that has stopped a training has not decided",
            'choice["kept"] == "best" or choice["stopped_early"]',
            'choice["kept"] == "best"',
        ),
        (
            "a site has decided in one spelling alone",
            '{site_key(site) for site in choice["validated_on"]} if by_score',
            'set(choice["validated_on"]) if by_score',
        ),
    ),
    *faults_in(
        "training/engine/files.py",
        "training/test_checkpoints.py",
        (
            "a flipped bit of a state is loaded",
            "if expected is not None and expected != _checksum(tensors, facts):",
            "if False:",
        ),
    ),
    *faults_in(
        "training/export.py",
        "training/test_checkpoints.py",
        (
            "a graph that gives no numbers is exported",
            "if not difference <= TOLERANCE:",
            "if difference > TOLERANCE:",
        ),
    ),
    *faults_in(
        "training/engine/start.py",
        "training/test_checkpoints.py",
        (
            "a model has not seen a site that is spelled differently",
            "return site_key(source.site) in map(site_key, self.sites)",
            "return source.site in self.sites",
        ),
    ),
    *faults_in(
        "training/cross_validation.py",
        "training/test_cross_validation.py",
        (
            "the name of a site leads out of the folder",
            'safe_child(output, f"without-{site}", "site")',
            'output / f"without-{site}"',
        ),
        (
            "a site may stop the training that it is scored with",
            "if config.segmenter.validates and config.segmenter.patience:",
            "if False:",
        ),
        (
            "an image of two raters counts twice",
            '(site_key(row["site"]), row["image"])',
            '(site_key(row["site"]), str(row))',
        ),
        (
            "the table says of every model that it has not seen the site",
            'return SEEN[row.get("seen_by_start", False)]',
            'return "no"',
        ),
    ),
    *faults_in(
        "training/config/sources.py",
        "training/test_checks.py",
        (
            "two sessions are two people",
            'return (root.resolve() / _SESSION.sub("", subject)).as_posix()',
            "return (root.resolve() / subject).as_posix()",
        ),
        (
            "data sets in folders of one name are one site",
            "if site_key(name) not in {site_key(_last_parts(other, count)) for other in others}:",
            "if True:",
        ),
    ),
    *faults_in(
        "training/config/sources.py",
        "training/test_cross_validation.py",
        (
            "what is odd about a data set is not said",
            'warn(f"{dataset.root}: {warning}")',
            "pass",
        ),
    ),
    *faults_in(
        "training/engine/losses.py",
        "training/test_golden.py",
        (
            "less weight of the entropy",
            "entropy_weight: float = 5.0",
            "entropy_weight: float = 4.0",
        ),
    ),
    *faults_in(
        "training/engine/estimate.py",
        "training/test_estimate.py",
        (
            "an estimate moves the random numbers",
            "    with torch.random.fork_rng(devices):",
            "    if True:",
        ),
    ),
)
