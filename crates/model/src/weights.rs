//! Weights on the host and on disk, in Hugging Face's names and layouts.

use crate::ModelConfig;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, collections::HashMap, fs, io::Write as _, path::Path};
use streams::{Purpose, Streams, item_of_name};

/// A transformer's weights on the host, each tensor by its Hugging Face name, row-major float32.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    config: ModelConfig,
    tensors: BTreeMap<String, Vec<f32>>,
}

/// A folder that holds no model of ours.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// A file cannot be read or written.
    #[error("model file {path}: {source}")]
    File {
        /// The file.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file is not as it was written.
    #[error(transparent)]
    Damaged(#[from] rundir::Error),
    /// A file is not what it should be.
    #[error("model file {path}: {what}")]
    Content {
        /// The file.
        path: String,
        /// What is wrong.
        what: String,
    },
}

/// One tensor's place in the model.
pub(crate) struct TensorSpec {
    pub(crate) name: String,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    /// Norms are vectors on disk, start at one and do not decay.
    pub(crate) norm: bool,
}

/// All tensors of a model, in the order of the forward pass.
pub(crate) fn tensors(config: &ModelConfig) -> Vec<TensorSpec> {
    let ModelConfig { vocabulary, width, hidden, head_width, .. } = *config;
    let (queries, keys) = (config.heads * head_width, config.kv_heads * head_width);
    let matrix = |name: String, rows, columns| TensorSpec { name, rows, columns, norm: false };
    let norm = |name: String| TensorSpec { name, rows: 1, columns: width, norm: true };
    let mut list = vec![matrix("model.embed_tokens.weight".to_owned(), vocabulary, width)];
    for layer in 0..config.layers {
        let name = |part: &str| format!("model.layers.{layer}.{part}.weight");
        list.extend([
            norm(name("input_layernorm")),
            matrix(name("self_attn.q_proj"), queries, width),
            matrix(name("self_attn.k_proj"), keys, width),
            matrix(name("self_attn.v_proj"), keys, width),
            matrix(name("self_attn.o_proj"), width, queries),
            norm(name("post_attention_layernorm")),
            matrix(name("mlp.gate_proj"), hidden, width),
            matrix(name("mlp.up_proj"), hidden, width),
            matrix(name("mlp.down_proj"), width, hidden),
        ]);
    }
    list.push(norm("model.norm.weight".to_owned()));
    list
}

/// Standard deviation of the initial matrices, Hugging Face's `initializer_range`.
const INITIAL_DEVIATION: f64 = 0.02;

impl Weights {
    /// Fresh weights: norms are one, matrices are normal with deviation 0.02. Each tensor has a stream of its own by its
    /// name, so fusing or splitting projections changes nothing.
    pub fn initialise(config: &ModelConfig, streams: &Streams, generation: u32) -> Self {
        let draw = |spec: TensorSpec| {
            let size = spec.rows * spec.columns;
            let values = if spec.norm {
                vec![1.0; size]
            } else {
                let mut stream = streams.stream(Purpose::Initialisation, generation, item_of_name(&spec.name));
                (0..size).map(|_| (INITIAL_DEVIATION * stream.normal()) as f32).collect()
            };
            (spec.name, values)
        };
        Self { config: config.clone(), tensors: tensors(config).into_iter().map(draw).collect() }
    }

    /// Weights from tensors by name.
    ///
    /// # Errors
    /// Names the first tensor that is missing, unknown or of another size.
    pub fn from_tensors(config: ModelConfig, tensors_by_name: BTreeMap<String, Vec<f32>>) -> Result<Self, String> {
        let specs = tensors(&config);
        for spec in &specs {
            let expected = spec.rows * spec.columns;
            match tensors_by_name.get(&spec.name).map(Vec::len) {
                None => return Err(format!("tensor {} is missing", spec.name)),
                Some(size) if size != expected => {
                    return Err(format!("tensor {} has {size} numbers instead of {expected}", spec.name));
                }
                Some(_) => {}
            }
        }
        match tensors_by_name.keys().find(|&name| specs.iter().all(|s| &s.name != name)) {
            Some(name) => Err(format!("tensor {name} is not part of this architecture")),
            None => Ok(Self { config, tensors: tensors_by_name }),
        }
    }

    /// The sizes.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// `(1 - share) · these + share · other`, each number in float64 and rounded once, so that a share of 0 gives these and a
    /// share of 1 the other.
    ///
    /// # Panics
    /// If the sizes differ.
    #[must_use]
    pub fn averaged(mut self, other: &Self, share: f64) -> Self {
        assert_eq!(self.config, other.config, "weights of two architectures");
        for (values, others) in self.tensors.values_mut().zip(other.tensors.values()) {
            for (value, &other) in values.iter_mut().zip(others) {
                *value = ((1.0 - share) * f64::from(*value) + share * f64::from(other)) as f32;
            }
        }
        self
    }

    /// The tensors' names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// One tensor, row-major.
    ///
    /// # Panics
    /// If the architecture has no tensor of this name.
    pub fn tensor(&self, name: &str) -> &[f32] {
        self.tensors.get(name).unwrap_or_else(|| panic!("no tensor is named {name}"))
    }

    /// SHA-256 over names and bytes, in hexadecimal: the identity of the model.
    pub fn hash(&self) -> String {
        let mut hash = Sha256::new();
        for (name, values) in &self.tensors {
            hash.update(name.as_bytes());
            hash.update([0]);
            hash.update(bytes(values));
        }
        hex::encode(hash.finalize())
    }

    /// Writes `config.json`, `generation_config.json` and `model.safetensors` into `folder`, as `transformers` reads them.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn save(&self, folder: &Path) -> Result<(), WeightsError> {
        let write = |name: &str, content: &[u8]| {
            let path = folder.join(name);
            fs::File::create(&path)
                .and_then(|mut file| file.write_all(content))
                .map_err(|source| WeightsError::File { path: path.display().to_string(), source })
        };
        let specs = tensors(&self.config);
        let raw: Vec<Vec<u8>> = specs.iter().map(|s| bytes(&self.tensors[&s.name])).collect();
        let views = specs.iter().zip(&raw).map(|(spec, raw)| {
            let shape = if spec.norm { vec![spec.columns] } else { vec![spec.rows, spec.columns] };
            (spec.name.as_str(), TensorView::new(Dtype::F32, shape, raw).expect("sizes agree with the shape"))
        });
        // Without this entry transformers refuses the file.
        let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
        let file = safetensors::serialize(views, Some(metadata)).expect("float32 tensors can be serialised");
        write("model.safetensors", &file)?;
        let pretty =
            |value: Value| (serde_json::to_string_pretty(&value).expect("JSON of plain values") + "\n").into_bytes();
        write("config.json", &pretty(self.config_json()))?;
        write("generation_config.json", &pretty(json!({"bos_token_id": 0, "eos_token_id": 0, "do_sample": true})))
    }

    fn config_json(&self) -> Value {
        let c = &self.config;
        json!({
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "vocab_size": c.vocabulary,
            "hidden_size": c.width,
            "num_hidden_layers": c.layers,
            "num_attention_heads": c.heads,
            "num_key_value_heads": c.kv_heads,
            "head_dim": c.head_width,
            "intermediate_size": c.hidden,
            "max_position_embeddings": c.context,
            "rope_theta": c.theta,
            "rms_norm_eps": c.epsilon,
            "hidden_act": "silu",
            "attention_bias": false,
            "mlp_bias": false,
            "tie_word_embeddings": true,
            "initializer_range": INITIAL_DEVIATION,
            "bos_token_id": 0,
            "eos_token_id": 0,
            "torch_dtype": "float32"
        })
    }

    /// Reads what [`Weights::save`] wrote, or any Llama-type folder of this architecture in float32.
    ///
    /// # Errors
    /// Names the file and what is wrong with it.
    pub fn load(folder: &Path) -> Result<Self, WeightsError> {
        rundir::check_sums(folder)?;
        let read = |name: &str| {
            let path = folder.join(name);
            let shown = path.display().to_string();
            // A pipe without a writer would be waited for, a device read for ever.
            if path.exists() && !path.is_file() {
                return Err(WeightsError::Content { path: shown, what: "is no regular file".to_owned() });
            }
            fs::read(path).map_err(|source| WeightsError::File { path: shown.clone(), source }).map(|c| (c, shown))
        };
        let (raw, path) = read("config.json")?;
        let config = parse_config(&raw).map_err(|what| WeightsError::Content { path, what })?;
        let (raw, path) = read("model.safetensors")?;
        let fail = |what: String| WeightsError::Content { path: path.clone(), what };
        let file = SafeTensors::deserialize(&raw).map_err(|e| fail(format!("not a safetensors file: {e}")))?;
        let mut by_name = BTreeMap::new();
        for (name, view) in file.tensors() {
            if view.dtype() != Dtype::F32 {
                return Err(fail(format!("tensor {name} is {:?}, not F32", view.dtype())));
            }
            // A tied head is sometimes written out a second time.
            if name != "lm_head.weight" {
                let values = view.data().chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().expect("four bytes")));
                by_name.insert(name, values.collect());
            }
        }
        Self::from_tensors(config, by_name).map_err(fail)
    }
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

fn parse_config(raw: &[u8]) -> Result<ModelConfig, String> {
    let json: Value = serde_json::from_slice(raw).map_err(|e| format!("not JSON: {e}"))?;
    let size = |key: &str| json[key].as_u64().map(|v| v as usize).ok_or_else(|| format!("no whole number `{key}`"));
    let flag = |key: &str, wanted: bool| match json.get(key).and_then(Value::as_bool) {
        Some(value) if value != wanted => Err(format!("`{key}` is {value}, and this architecture has {wanted}")),
        _ => Ok(()),
    };
    if json["model_type"] != "llama" {
        return Err(format!("`model_type` is {}, not \"llama\"", json["model_type"]));
    }
    flag("tie_word_embeddings", true)?;
    flag("attention_bias", false)?;
    flag("mlp_bias", false)?;
    if json.get("rope_scaling").is_some_and(|v| !v.is_null()) {
        return Err("`rope_scaling` is not supported".to_owned());
    }
    let (width, heads) = (size("hidden_size")?, size("num_attention_heads")?);
    let config = ModelConfig {
        vocabulary: size("vocab_size")?,
        width,
        layers: size("num_hidden_layers")?,
        heads,
        kv_heads: size("num_key_value_heads").unwrap_or(heads),
        head_width: size("head_dim").unwrap_or(width.checked_div(heads).unwrap_or(0)),
        hidden: size("intermediate_size")?,
        context: size("max_position_embeddings")?,
        theta: json["rope_theta"].as_f64().unwrap_or(10_000.0),
        epsilon: json["rms_norm_eps"].as_f64().ok_or("no number `rms_norm_eps`")?,
    };
    config.check().map_err(|e| e.to_string())?;
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Settings;

    #[test]
    fn averages_are_rounded_once() {
        let config = Settings { preset: "tiny".into(), ..Settings::default() }.resolve(300).unwrap();
        let [one, other] = [0, 1].map(|generation| Weights::initialise(&config, &Streams::new(5), generation));
        assert_eq!(one.clone().averaged(&other, 0.0), one);
        assert_eq!(one.clone().averaged(&other, 1.0), other);
        for share in [0.5, 0.3] {
            let mean = one.clone().averaged(&other, share);
            for name in one.names() {
                let pairs = one.tensor(name).iter().zip(other.tensor(name));
                let want = pairs.map(|(&a, &b)| ((1.0 - share) * f64::from(a) + share * f64::from(b)) as f32);
                assert!(want.eq(mean.tensor(name).iter().copied()), "{name}");
            }
        }
        // By hand, in the last place: 1 + 2⁻²³ and 1 have their mean half a unit from both, and ties go to the even.
        let set = |weights: &Weights, value: f32| {
            let all = weights.names().map(|name| (name.to_owned(), vec![value; weights.tensor(name).len()])).collect();
            Weights::from_tensors(config.clone(), all).unwrap()
        };
        let above = 1.0_f32.next_up();
        assert_eq!(set(&one, above).averaged(&set(&one, 1.0), 0.5), set(&one, 1.0));
        assert_eq!(set(&one, 3.0).averaged(&set(&one, 7.0), 0.25), set(&one, 4.0));
    }
}
