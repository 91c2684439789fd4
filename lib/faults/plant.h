/*
 * Bugs that the tests plant, to show that they would be found.
 *
 * A build with -DMSIM_PLANT=PLANT_<NAME> has that one bug (tests/planted); the library is
 * built with none.  PLANTED(name) stands beside the line that the bug would spoil, and is
 * a constant 0.
 */
#ifndef MSIM_FAULTS_PLANT_H
#define MSIM_FAULTS_PLANT_H

#define PLANT_NONE 0
#define PLANT_SCALED_P 1            /* p * 100 / 101 */
#define PLANT_ONCE_PER_CONNECTION 2 /* one decision for all messages */
#define PLANT_SHARED_RANDOM 3       /* one sequence of draws for everybody */
#define PLANT_GE_FALLS_THROUGH 4    /* the good state goes on into the bad one's branch */
#define PLANT_GE_INDEPENDENT 5      /* the right mean without bursts */
#define PLANT_STICK_AVERAGES 6      /* correlation by averaging uniforms */
#define PLANT_SHORT_CIRCUIT 7       /* a dropped message is not shown to the others */
#define PLANT_UPDATE_RESEEDS 8
#define PLANT_COPIES_REENTER 9
#define PLANT_UNSTABLE_TIES 10
#define PLANT_DELAY_FROM_RELEASE 11 /* measured from the previous release */
#define PLANT_DUE_WAITS 12          /* a due message waits for the next one that comes */
#define PLANT_PHANTOM_PAYS 13       /* a phantom fill changes the truth */
#define PLANT_UNKNOWN_KIND 14       /* an unknown kind is taken for a drop */

#ifndef MSIM_PLANT
#define MSIM_PLANT PLANT_NONE
#endif

#define PLANTED(name) (MSIM_PLANT == PLANT_##name)

#endif
