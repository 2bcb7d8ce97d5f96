# SPDX-License-Identifier: Apache-2.0
# What takes too long for every change: the same tests with larger numbers, and the measurements that
# come to a verdict. tests/run gives those that draw at random another seed each day.

# onramp_long_test(name tier seconds [ENVIRONMENT name=value...] COMMAND command...): its label is the
# part of the name before the slash. They load the whole machine, so nothing else runs beside them.
function(onramp_long_test name tier seconds)
  cmake_parse_arguments(PARSE_ARGV 3 long "" "" "ENVIRONMENT;COMMAND")
  string(REGEX REPLACE "/.*" "" label ${name})
  add_test(NAME ${name} COMMAND ${long_COMMAND} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES LABELS "${label};${tier}" TIMEOUT ${seconds} RUN_SERIAL ON
    ENVIRONMENT "ONRAMPD=$<TARGET_FILE:onrampd>;PYTHONDONTWRITEBYTECODE=1;${long_ENVIRONMENT}")
endfunction()

onramp_long_test(seam/interleavings-long nightly 1800 ENVIRONMENT ONRAMP_TEST_CASES=100000
  COMMAND seam_interleavings)
onramp_long_test(seam/loops-long nightly 900 ENVIRONMENT ONRAMP_TEST_CLIENTS=20000
  COMMAND seam_loops)
onramp_long_test(grammar/cases-long nightly 1800
  ENVIRONMENT ONRAMP_TEST_CASES=100000 ONRAMP_READER=$<TARGET_FILE:reader>
  COMMAND /usr/bin/python3 -m pytest -q -s -p no:cacheprovider tests/grammar)
onramp_long_test(http/interleaving-long nightly 1800 ENVIRONMENT ONRAMP_TEST_INTERLEAVINGS=5000
  COMMAND tests/http/run interleaving_test.py)
onramp_long_test(http/conversation-long nightly 1800 ENVIRONMENT ONRAMP_TEST_EXCHANGES=20000
  COMMAND tests/http/run conversation_test.py)
onramp_long_test(faults/waiting-long nightly 900
  ENVIRONMENT ONRAMP_WAITERS=5000 ONRAMP_FOLLOWERS=2000 ONRAMP_TEST_JOBS=1
  COMMAND tests/http/run -s ../faults/waiting_test.py)
onramp_long_test(faults/once-long nightly 1800
  ENVIRONMENT ONRAMP_ONCE_KEYS=1000 ONRAMP_ONCE_KILLS=20
  COMMAND tests/http/run ../faults/once_test.py)
onramp_long_test(model/histories-long nightly 7200
  COMMAND tests/model/run --histories 10000 -k model_says)

# What they measure is the program without instruments.
if(NOT ONRAMP_SANITIZE AND NOT ONRAMP_COVERAGE)
  onramp_long_test(db/enumerator-long nightly 7200
    COMMAND tests/db/cluster.sh /usr/bin/python3 tests/db/enumerator/run.py --long --guards all)
  onramp_long_test(bench/storm nightly 7200 COMMAND bench/webhooks storm)
  onramp_long_test(bench/lists hours 14400 COMMAND tests/db/cluster.sh bench/lists)
  onramp_long_test(bench/soak hours 7200 COMMAND bench/soak --minutes 60)
endif()
