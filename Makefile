# Every recipe first gets what the build of the HiGHS solver needs, and every build has the release profile,
# so that HiGHS is compiled once.
SHELL := /bin/bash
target := $(or $(CARGO_TARGET_DIR),target)
cargo := environment=$$(.ci/setup) && eval "$$environment" && cargo

.PHONY: demo test ci bench doc clean
.NOTPARALLEL:

demo:  ## build the program and run examples/demo.sh with it
	@$(cargo) build --release --locked --bin prescribe
	@PRESCRIBE="$$(realpath '$(target)/release/prescribe')" bash examples/demo.sh

test:  ## all tests, documentation tests included
	@$(cargo) test --release --locked --workspace

ci:  ## what has to pass before a change is merged
	@.ci/run

bench:
	@$(cargo) bench --profile release --locked --workspace

doc:
	@$(cargo) doc --release --locked --workspace --no-deps

clean:
	@cargo clean
