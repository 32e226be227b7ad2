/* Every key of a config: the table that the struct, the parser, the defaults, the checks, the messages, the effective
 * text and notes/config.md are made of. Included several times, with different meanings of the words below; a word
 * that the includer leaves undefined means nothing. A key more is a line more.
 *
 *     SECTION(name, "what it is about") ... rows ... END(name)
 *     INT(section, key, default, least, most, "...")      a whole number
 *     REAL(section, key, default, least, most, "...")     INFINITY: no limit
 *     FLAG(section, key, default, "...")                  true or false
 *     CHOICE(section, key, words, default, "...")         one of WORDS
 *     TEXT(section, key, default, "...")                  any text
 *     PATH(section, key, wants, specials, default, "...") what is there: WANT_FILE, WANT_ANY (file or folder) or
 *                                                         WANT_WEIGHTS (file or name); or one of the special words
 *     PATHS(section, key, wants, "...")                   such paths, separated by commas
 *     LAYERS(section, key, default, "...")                names of layers, separated by spaces or commas
 *     NUMBERS(section, key, least, most, "...")           numbers one a layer; nothing: 1 each; mean: 1 / their count
 */

/* clang-format off */

#ifndef WORDS
#define WORDS(words, ...)
#endif
#ifndef SECTION
#define SECTION(name, text)
#endif
#ifndef END
#define END(name)
#endif
#ifndef INT
#define INT(...)
#endif
#ifndef REAL
#define REAL(...)
#endif
#ifndef FLAG
#define FLAG(...)
#endif
#ifndef CHOICE
#define CHOICE(...)
#endif
#ifndef TEXT
#define TEXT(...)
#endif
#ifndef PATH
#define PATH(...)
#endif
#ifndef PATHS
#define PATHS(...)
#endif
#ifndef LAYERS
#define LAYERS(...)
#endif
#ifndef NUMBERS
#define NUMBERS(...)
#endif

/* What is known by its name: a row here, and the table of networks/ or papers/ has what is so called. */
#define PAPERS(ROW)      ROW(improved_texnet) ROW(multimodal) ROW(texture_networks) ROW(gatys) ROW(random_weights)
#define DESCRIPTORS(ROW) ROW(vgg19) ROW(vgg16)
#define GENERATORS(ROW)  ROW(stylenet) ROW(mtnet) ROW(pyramid) ROW(v2)
#define CLASSIFIERS(ROW) ROW(alexnet) ROW(vgg16) ROW(vgg19)
#define PAPER(name)      WORD(PAPER_##name, #name)
#define DESCRIPTOR(name) WORD(DESCRIPTOR_##name, #name)
#define GENERATOR(name)  WORD(GENERATOR_##name, #name)
#define CLASSIFIER(name) WORD(CLASSIFIER_##name, #name)
/* The device's, in its order (device/precision.h). */
#define PRECISION(name, word) WORD(PRECISION_##name, word)

WORDS(paper, PAPERS(PAPER))
WORDS(task, WORD(TASK_TRAIN, "train") WORD(TASK_TEXTURE, "texture") WORD(TASK_OPTIMIZE, "optimize")
    WORD(TASK_DISTIL, "distil") WORD(TASK_CLASSIFY, "classify"))
WORDS(scale, WORD(SCALE_PAPER, "paper") WORD(SCALE_LAPTOP, "laptop") WORD(SCALE_CI, "ci"))
WORDS(kernels, WORD(KERNELS_AUTO, "auto") WORD(KERNELS_CPU, "cpu") WORD(KERNELS_GPU, "gpu"))
WORDS(precision, NX_PRECISION_LIST(PRECISION))
WORDS(descriptor_network, DESCRIPTORS(DESCRIPTOR))
WORDS(preprocessing, WORD(PREPROCESSING_FILE, "file") WORD(PREPROCESSING_CAFFE, "caffe")
    WORD(PREPROCESSING_TORCHVISION, "torchvision"))
WORDS(init, WORD(INIT_PAPER, "paper") WORD(INIT_HE, "he"))
WORDS(pooling, WORD(POOLING_FILE, "file") WORD(POOLING_MAX, "max") WORD(POOLING_AVERAGE, "average"))
WORDS(descriptor_padding, WORD(DESCRIPTOR_PADDING_FILE, "file") WORD(DESCRIPTOR_PADDING_ZERO, "zero")
    WORD(DESCRIPTOR_PADDING_REFLECT, "reflect") WORD(DESCRIPTOR_PADDING_REPLICATE, "replicate")
    WORD(DESCRIPTOR_PADDING_CIRCULAR, "circular") WORD(DESCRIPTOR_PADDING_NONE, "none"))
WORDS(generator_network, GENERATORS(GENERATOR))
WORDS(norm, WORD(NORM_INSTANCE, "instance") WORD(NORM_BATCH, "batch") WORD(NORM_INSTANCE_FIRST, "instance_first")
    WORD(NORM_LRN_FIRST, "lrn_first"))
WORDS(upsample, WORD(UPSAMPLE_TRANSPOSED, "transposed") WORD(UPSAMPLE_NEAREST, "nearest"))
WORDS(padding, WORD(PADDING_REPLICATE, "replicate") WORD(PADDING_REFLECT, "reflect") WORD(PADDING_ZERO, "zero")
    WORD(PADDING_CIRCULAR, "circular"))
WORDS(padding_place, WORD(PADDING_PLACE_EACH, "each") WORD(PADDING_PLACE_START, "start")
    WORD(PADDING_PLACE_UNSTRIDED, "unstrided"))
WORDS(input, WORD(INPUT_UNIT, "unit") WORD(INPUT_CENTERED, "centered"))
WORDS(norm_init, WORD(NORM_INIT_UNIFORM, "uniform") WORD(NORM_INIT_ONE, "one"))
WORDS(output, WORD(OUTPUT_LINEAR, "linear") WORD(OUTPUT_TANH, "tanh"))
WORDS(subnets, WORD(SUBNETS_TWO_BRANCHES, "two_branches") WORD(SUBNETS_FULLFANTA, "fullfanta")
    WORD(SUBNETS_FELIME, "felime"))
WORDS(classifier_network, CLASSIFIERS(CLASSIFIER))
WORDS(classifier_norm, WORD(CLASSIFIER_NORM_INSTANCE, "instance") WORD(CLASSIFIER_NORM_BATCH, "batch")
    WORD(CLASSIFIER_NORM_NONE, "none"))
WORDS(head, WORD(HEAD_FULL, "full") WORD(HEAD_AVERAGE, "average"))
WORDS(content_target, WORD(CONTENT_TARGET_PREVIOUS, "previous") WORD(CONTENT_TARGET_CONTENT, "content"))
WORDS(tv, WORD(TV_L2, "l2") WORD(TV_L1, "l1"))
WORDS(diversity_form, WORD(DIVERSITY_RELEASED, "released") WORD(DIVERSITY_LITERAL, "literal"))
WORDS(convention, WORD(CONVENTION_GATYS, "gatys") WORD(CONVENTION_MEAN, "mean") WORD(CONVENTION_CHW, "chw")
    WORD(CONVENTION_SUM, "sum") WORD(CONVENTION_RELATIVE, "relative"))
WORDS(bad_pictures, WORD(BAD_PICTURES_SKIP, "skip") WORD(BAD_PICTURES_REFUSE, "refuse"))
WORDS(method, WORD(METHOD_ADAM, "adam") WORD(METHOD_SGD, "sgd") WORD(METHOD_LBFGS, "lbfgs"))
WORDS(history_precision, WORD(HISTORY_PRECISION_BFLOAT16, "bfloat16") WORD(HISTORY_PRECISION_FLOAT32, "float32"))
WORDS(start, WORD(START_WEIGHTS, "weights") WORD(START_TEACHER, "teacher"))
WORDS(distil_loss, WORD(DISTIL_LOSS_RELATIVE, "relative") WORD(DISTIL_LOSS_LOG, "log"))
WORDS(log_pictures, WORD(LOG_PICTURES_FILE, "file") WORD(LOG_PICTURES_FOLDER, "folder"))
WORDS(schedule, WORD(SCHEDULE_STEP, "step") WORD(SCHEDULE_COSINE, "cosine"))
WORDS(bounds, WORD(BOUNDS_NONE, "none") WORD(BOUNDS_PIXELS, "pixels"))
WORDS(line_search, WORD(LINE_SEARCH_NONE, "none") WORD(LINE_SEARCH_WOLFE, "wolfe"))
WORDS(balance, WORD(BALANCE_MEAN, "mean") WORD(BALANCE_LITERAL, "literal") WORD(BALANCE_NONE, "none"))

SECTION(experiment, "What is run.")
CHOICE(experiment, paper, paper, improved_texnet, "whose experiment it is")
CHOICE(experiment, task, task, train, "train a stylization, train a texture from noise alone, optimize one picture, distil a descriptor, "
    "or train a classifier")
CHOICE(experiment, scale, scale, paper, "which of the config's [scale.NAME] sections counts, if it has one")
INT(experiment, seed, 1, 0, INT_MAX, "of every random number; the same seed, device and config give the same bits")
INT(experiment, steps, 1000, 0, INT_MAX, "updates; 0 evaluates and logs step 0 alone")
PATH(experiment, start, WANT_FILE, "", ,
    "train, texture, classify: a trained model (NAME.model.h5, safetensors, a run file) from whose parameters training begins; its "
    "network must be this one; empty: from random ones")
CHOICE(experiment, norm_init, norm_init, uniform,
    "train, texture, classify: what normalizations multiply by (gamma) before training: U(0, 1) as in Torch7, or 1 as in PyTorch")
END(experiment)

SECTION(device, "Where it runs.")
TEXT(device, name, ,
     "a part of the device's name or platform, or its number in `nstx devices`, #2, or both, NAME#2: the second of that name; "
     "nstx sweep takes all of that name, or a list, #1,#3; of those NSTX_DEVICE chooses; empty: NSTX_DEVICE, then the best score")
CHOICE(device, kernels, kernels, auto, "the family of kernels: by the device's type, or forced")
CHOICE(device, precision, precision, fp32,
    "of the products of convolutions, whose sums are fp32; tf32, three digits instead of seven, and faster: by NVIDIA's "
    "tensor cores; bf16, two digits: by those, or by processors with AVX512_BF16, best with AMX; refused elsewhere")
INT(device, recompute, 1, 0, 2,
    "less memory for more time, same results: 1 makes values that cost little again for the gradient, in no time to speak of, "
    "2 convolutions too; 0: nothing")
FLAG(device, profile, false, "time every kernel and put the table into the run file")
END(device)

SECTION(descriptor, "The fixed network in whose features the losses are measured.")
CHOICE(descriptor, network, descriptor_network, vgg19, "its topology")
PATH(descriptor, weights, WANT_WEIGHTS, "own random", own,
    "own: a narrow network that comes with nstx and learned a VGG-16's kernels; random ones; the name of weights that "
    "`nstx weights get` lists and fetches; or a file (safetensors, HDF5, .npz or .pth)")
CHOICE(descriptor, preprocessing, preprocessing, file,
    "how the weights want pictures; file: as its metadata or the names of its layers say (data/README.md)")
CHOICE(descriptor, init, init, paper, "random weights: N(0, sigma^2), or N(0, 2 / inputs) after He")
REAL(descriptor, sigma, 0.015, 0, 10, "standard deviation of random weights with init = paper")
REAL(descriptor, width, 1, 0.01, 4, "random weights: channels, as a fraction of the network's")
FLAG(descriptor, rescale, true, "random weights: scale every layer to a mean activation of 1")
INT(descriptor, seed, -1, -1, INT_MAX, "of random weights; -1: that of the experiment")
INT(descriptor, stacked, 0, 0, 100,
    "random_weights: sets of weights tried for each layer, of which the one that inverts best is kept; 0: no choice")
INT(descriptor, stacked_steps, 100, 1, INT_MAX, "random_weights: updates of each such trial")
PATH(descriptor, reference, WANT_FILE, "", , "random_weights: the picture of such trials; empty: content, else style")
CHOICE(descriptor, pooling, pooling, file, "file: what the weights were trained with, max where the file does not say")
CHOICE(descriptor, padding, descriptor_padding, file,
    "of the convolutions; file: what the weights were trained with, zero where the file does not say; none: as advised "
    "for textures")
LAYERS(descriptor, content_layers, "relu4_2", "where the content is compared")
LAYERS(descriptor, style_layers, "relu1_1 relu2_1 relu3_1 relu4_1", "where Gram matrices are compared")
END(descriptor)

SECTION(generator, "The network that is trained.")
CHOICE(generator, network, generator_network, stylenet, "its architecture")
CHOICE(generator, norm, norm, instance,
    "normalization: instance or batch in every layer; instance_first or lrn_first at the input and batch after it")
INT(generator, channels, 32, 1, 1024,
    "of the first layer (mtnet: of the refine subnet's; v2: 512 for 7 133 619 parameters); the others in proportion")
INT(generator, blocks, 5, 0, 64, "stylenet: residual blocks")
CHOICE(generator, upsample, upsample, transposed, "transposed convolution, or nearest neighbour and a convolution")
FLAG(generator, upsample_norm, false, "stylenet: normalization and ReLU once more before each upsampling")
CHOICE(generator, padding, padding, replicate, "of the convolutions")
CHOICE(generator, padding_place, padding_place, each,
    "stylenet: of each convolution; start: of the picture alone, by what the residual blocks, then without padding, take "
    "away; all other convolutions pad with zeros; unstrided: of the convolutions of stride 1, with zeros around the others")
CHOICE(generator, input, input, unit,
    "what the network is given: RGB from 0 to 1, or that minus ImageNet's mean, which zeros beyond the border then are")
CHOICE(generator, output, output, linear, "stylenet: what the last layer gives; tanh: with an output_scale of some 150")
INT(generator, output_size, 3, 1, 31, "stylenet: of the last convolution's kernel, odd; 9 as Johnson et al. have it")
CHOICE(generator, subnets, subnets, two_branches,
    "mtnet: whose widths and branches; the notes on the paper have the table")
INT(generator, stages, 3, 1, 3, "mtnet: subnets, from the first on; 1 is the style subnet alone, at the picture's size")
INT(generator, refine, 1, 1, 2,
    "mtnet in training: sides of the refine subnet's picture over those of the enhance subnet's; stylize takes 2")
INT(generator, scales, 5, 1, 8,
    "pyramid: K of the paper, sides are multiples of 2 to the power K - 1; v2: doublings, the side is 4 times 2 to that")
FLAG(generator, pointwise, true, "pyramid: a 1x1 convolution at the end of each block")
INT(generator, noise, 0, 0, 64, "channels of noise, uniform in (0, 1), beside the input's three")
REAL(generator, noise_scale, 1, 0, 1000, "factor on the noise")
REAL(generator, output_scale, 1, 0, 10000, "factor on the output; trained weights reach colours sooner with some 100")
END(generator)

SECTION(classifier, "The network that is trained to tell classes apart.")
CHOICE(classifier, network, classifier_network, alexnet, "its convolutions")
CHOICE(classifier, norm, classifier_norm, batch, "normalization after every convolution")
CHOICE(classifier, head, head, full,
    "what the classes are made of: two hidden layers on all features, or the mean of each feature over the picture")
REAL(classifier, width, 1, 0.01, 4, "channels, and numbers of the hidden layers, as a fraction of the network's")
INT(classifier, hidden, 4096, 1, 65536, "head full: numbers of each hidden layer")
REAL(classifier, dropout, 0.5, 0, 0.99, "share of the numbers that are left out in training: of hidden layers, or the means")
END(classifier)

SECTION(loss, "What is minimised.")
REAL(loss, content_weight, 1, 0, INFINITY, "of the content loss")
REAL(loss, style_weight, 1, 0, INFINITY, "of the style loss")
REAL(loss, tv_weight, 0, 0, INFINITY, "of the total variation")
CHOICE(loss, tv, tv, l2, "total variation: squared or absolute differences of neighbours")
REAL(loss, diversity, 0, 0, INFINITY,
    "weight of the entropy term, which needs noise and a batch of 2 or more: stylizations of one picture, repeated")
CHOICE(loss, diversity_form, diversity_form, released,
    "the entropy term of the released code, or the paper's equation 10")
CHOICE(loss, convention, convention, gatys,
    "whose factors the losses carry (notes/papers/improved_texnet.md has the table); relative: each loss in units of its "
    "target's energy, total variation of the target's own, so that weights near 1 suit every descriptor, size and style")
FLAG(loss, normalize_gradients, false, "divide the gradient of each style layer by its own L1 norm")
NUMBERS(loss, content_layer_weights, 0, INFINITY, "of each of the content layers")
NUMBERS(loss, style_layer_weights, 0, INFINITY, "of each of the style layers")
NUMBERS(loss, stage_weights, 0, INFINITY, "of each picture of a generator that makes several, the final one last")
NUMBERS(loss, stage_style_weights, 0, INFINITY, "of each such picture's style loss, beside its own weight")
NUMBERS(loss, stage_style_ratios, 0, INFINITY,
    "where given, sets those weights: each picture's style gradient over its content gradient at the start (L1)")
NUMBERS(loss, style_shares, 0, INFINITY, "optimize: of style and more_styles, each picture's style loss")
CHOICE(loss, balance, balance, mean,
    "random_weights: each layer over its gradient's mean magnitude, over the magnitude of the mean as printed, or none")
REAL(loss, label_smoothing, 0, 0, 0.999, "classify: share of each label that all classes have alike")
CHOICE(loss, content_target, content_target, previous,
    "mtnet: each picture keeps the content of what its subnet is given, or of the content picture")
END(loss)

SECTION(distil, "What a descriptor learns from: task = distil. It is the one of [descriptor], from random weights or a file.")
PATH(distil, teacher, WANT_WEIGHTS, "", , "the weights that are learned from: a file, or a name as for [descriptor] weights")
CHOICE(distil, teacher_network, descriptor_network, vgg16, "their topology")
LAYERS(distil, layers, "relu1_1 relu2_1 relu3_1 relu4_1 relu4_2 relu5_1",
    "whose kernels are matched: both networks have them")
CHOICE(distil, start, start, teacher,
    "of the student: weights of [descriptor], or channels of the teacher, chosen and fitted layer by layer")
INT(distil, positions, 400, 2, 4096, "of the pixels of a batch, drawn anew in each step: the kernel of a layer is between them")
REAL(distil, floor, 1000, 0, 1000,
    "the teacher's channels are divided by their root mean square, and by this part of the layer's mean of these at "
    "least; a large one leaves their proportions as they are")
CHOICE(distil, loss, distil_loss, log,
    "of each layer: relative: |Ks - Kt|^2 / |Kt|^2; log: a tenth of its logarithm, so that every layer counts the same")
REAL(distil, readout, 0, 0, INFINITY, "weight of the teacher's channels as linear functions of the student's")
REAL(distil, noise, 0, 0, 1, "training: each crop is blended with white noise, by noise times the cube of a number drawn from [0, 1]")
TEXT(distil, note, , "of the weights that come out, in their metadata: what they derive from, and their licence")
END(distil)

SECTION(optimizer, "How it is minimised.")
CHOICE(optimizer, method, method, adam, "Adam, gradient descent with momentum beta1, or L-BFGS")
REAL(optimizer, learning_rate, 0, 0, INFINITY,
    "at the first step; 0: the usual, 0.001 to train, 10 for Adam on a picture, 1 for L-BFGS")
REAL(optimizer, beta1, 0.9, 0, 0.999999, "decay of the mean of gradients")
REAL(optimizer, beta2, 0.999, 0, 0.999999, "decay of the mean of squared gradients")
REAL(optimizer, epsilon, 1e-08, 0, 1, "added to the root of the mean of squares")
CHOICE(optimizer, schedule, schedule, step,
    "of the learning rate: decay in steps; cosine: half a wave from it down to 0 at the last step; not of L-BFGS")
INT(optimizer, warmup, 0, 0, INT_MAX, "steps in which the learning rate rises in equal parts; not of L-BFGS")
REAL(optimizer, decay, 0.8, 0, 1, "factor on the learning rate every decay_every steps; not of L-BFGS")
INT(optimizer, decay_every, 2000, 0, INT_MAX, "steps; 0: the learning rate stays")
REAL(optimizer, weight_decay, 0, 0, 1,
    "training: so many times each parameter is added to its gradient, after the clip, as PyTorch's SGD and Adam do")
REAL(optimizer, clip, 0, 0, INFINITY,
    "training: a longer gradient of all parameters together (L2) is scaled to this; 0: never")
INT(optimizer, history, 100, 1, 1000, "pairs that L-BFGS keeps")
CHOICE(optimizer, history_precision, history_precision, bfloat16,
    "of the numbers of these pairs; bfloat16 takes half of the memory and ends at the same losses")
CHOICE(optimizer, line_search, line_search, none,
    "L-BFGS: none takes every step as it is, as Torch does; wolfe looks for the strong Wolfe conditions")
REAL(optimizer, longest_step, 16, 0, INFINITY,
    "L-BFGS without a line search: the root mean square of a step in grey levels, at most; 0: no bound, as Torch has none")
REAL(optimizer, tolerance, 0, 0, INFINITY,
    "L-BFGS: ends the run where the root mean square of the gradient by the pixels is at most this, whatever the "
    "loss's scale, as SciPy's gtol and Torch's tolerance_grad do; 0: nowhere")
CHOICE(optimizer, bounds, bounds, none,
    "optimize: pixels keeps each between 0 and 255; none: what is beyond is cut where the picture is written")
END(optimizer)

SECTION(data, "The pictures.")
PATHS(data, content, WANT_ANY,
    "pictures, folders of pictures or a packed dataset; optimize: one picture or none; classify: folders with a subfolder "
    "for each class, or packed ones")
INT(data, content_count, 0, 0, INT_MAX,
    "training: of each folder of content, classify: of each class, the first so many pictures by name; 0: all")
PATHS(data, validation, WANT_ANY,
    "the same for validation; empty: the last validation_count of content, left out of training")
INT(data, validation_count, 0, 0, INT_MAX, "pictures to validate on, classify: of each class; 0: all of validation, none of content")
CHOICE(data, bad_pictures, bad_pictures, skip,
    "training: pictures of a folder that are broken or too small: skip, the next one in order stands in; or refuse")
PATH(data, style, WANT_FILE, "", , "the style picture")
PATHS(data, more_styles, WANT_FILE, "optimize: style pictures beside style")
PATHS(data, masks, WANT_FILE,
    "optimize: of style and more_styles, where in the picture each style goes: white, and in parts grey; "
    "or opaque, in a transparent picture")
PATH(data, fine_style, WANT_FILE, "", , "mtnet: the style of all but the first subnet; empty: style")
INT(data, style_size, -1, -1, 16384,
    "pixels of the style's longer side; -1: as size says; 0: its own size; mtnet: the last subnet's, a half and a "
    "quarter before")
INT(data, size, 256, 0, 16384, 
    "pixels a side of the content's crops; optimize: of the picture's longer side; 0: an image's own size")
PATH(data, init, WANT_FILE, "noise content style", noise, "optimize: where the picture starts")
REAL(data, init_noise, 1, 0, 1000, "optimize: standard deviation of that noise, around the descriptor's mean")
NUMBERS(data, coarse, 1, 16384, "optimize: sizes before `size`, each result enlarged to the next; the style in proportion")
INT(data, coarse_steps, 100, 1, INT_MAX, "optimize: updates at each of them, of [experiment] steps")
INT(data, resize, 0, 0, 16384, "pixels of the shorter side before the crop; 0: no resizing")
INT(data, batch, 4, 1, 1024, "pictures a step")
FLAG(data, flip, false, "training: every other crop, by chance, is mirrored left to right")
REAL(data, contrast, 0, 0, 1, "each crop's contrast is multiplied by a number drawn from [1 - contrast, 1]")
END(data)

SECTION(log, "What is kept. Each number is a count of steps, 0 meaning never; the last step is always kept.")
TEXT(log, file, , "the run file, from the working folder; empty: the config's name with .h5 there")
INT(log, every, 10, 1, INT_MAX, "steps between rows of the metrics")
INT(log, images, 500, 0, INT_MAX, "steps between pictures")
CHOICE(log, pictures, log_pictures, file, "where these go: into the run file, or also, as PNGs, into a folder beside it: "
    "RUN-pictures/step_000500.png")
INT(log, checkpoint, 500, 0, INT_MAX, "steps between checkpoints")
INT(log, validation, 500, 0, INT_MAX, "steps between validations")
FLAG(log, keep_state, false,
    "L-BFGS: a finished run keeps the history, most of its file, so that more steps go on exactly; else they begin anew")
FLAG(log, debug, false, "put the gradient by the optimised image at step 0 into the run file")
END(log)

/* clang-format on */

#undef WORDS
#undef WORD
#undef SECTION
#undef END
#undef INT
#undef REAL
#undef FLAG
#undef CHOICE
#undef TEXT
#undef PATH
#undef PATHS
#undef LAYERS
#undef NUMBERS
